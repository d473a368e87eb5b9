//! Metrics of this process, with the names that Prometheus' client libraries use, read from Linux' `/proc`; what cannot
//! be read is left out. Knows no request.

use std::fmt::Error;
use std::fs::{read_dir, read_to_string};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Clock ticks per second in `/proc`; the same on all architectures of Rust's Linux targets.
const TICKS_PER_SECOND: f64 = 100.0;

/// The index of a field in `/proc/self/stat`, counted after the program's name.
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const START_TICKS: usize = 19;

#[derive(Debug)]
pub struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        if let Some(seconds) = cpu_seconds() {
            let help = "CPU time that the process took, of the program and of the system for it.";
            encode_metric(&mut encoder, "process_cpu_seconds", help, &ConstCounter::new(seconds))?;
        }
        if let Some(bytes) = resident_bytes() {
            let help = "Memory of the process that is in RAM.";
            encode_metric(&mut encoder, "process_resident_memory_bytes", help, &ConstGauge::new(bytes))?;
        }
        if let Some(count) = open_files() {
            encode_metric(&mut encoder, "process_open_fds", "Open file descriptors.", &ConstGauge::new(count))?;
        }
        if let Some(count) = max_open_files() {
            encode_metric(&mut encoder, "process_max_fds", "The most open file descriptors.", &ConstGauge::new(count))?;
        }
        if let Some(seconds) = start_seconds() {
            let help = "When the process started, in seconds since 1970.";
            encode_metric(&mut encoder, "process_start_time_seconds", help, &ConstGauge::new(seconds))?;
        }
        Ok(())
    }
}

fn encode_metric(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: &impl EncodeMetric,
) -> Result<(), Error> {
    value.encode(encoder.encode_descriptor(name, help, None, value.metric_type())?)
}

fn cpu_seconds() -> Option<f64> {
    let stat = Stat::read()?;
    Some((stat.number(USER_TICKS)? + stat.number(SYSTEM_TICKS)?) / TICKS_PER_SECOND)
}

fn start_seconds() -> Option<f64> {
    let since_boot = Stat::read()?.number(START_TICKS)? / TICKS_PER_SECOND;
    let boot: f64 = field("/proc/stat", "btime ")?.trim().parse().ok()?;
    Some(boot + since_boot)
}

fn resident_bytes() -> Option<i64> {
    let kilobytes: i64 = field("/proc/self/status", "VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn open_files() -> Option<i64> {
    // One of them is the directory itself, which is open while it is read.
    i64::try_from(read_dir("/proc/self/fd").ok()?.count()).ok().map(|count| count - 1)
}

fn max_open_files() -> Option<i64> {
    field("/proc/self/limits", "Max open files")?.split_whitespace().next()?.parse().ok()
}

/// The rest of the first line of a file that begins with a word.
fn field(file: &str, word: &str) -> Option<String> {
    read_to_string(file).ok()?.lines().find_map(|line| line.strip_prefix(word)).map(str::to_owned)
}

/// `/proc/self/stat` after the program's name, which may contain anything.
struct Stat(String);

impl Stat {
    fn read() -> Option<Self> {
        Some(Self(read_to_string("/proc/self/stat").ok()?.rsplit_once(')')?.1.to_owned()))
    }

    fn number(&self, index: usize) -> Option<f64> {
        self.0.split_whitespace().nth(index)?.parse().ok()
    }
}
