//! The servers that a database address names: libpq accepts lists of hosts in it; knows no connection.

/// The settings that may be lists with one value for each host.
const LISTS: [&str; 3] = ["host", "hostaddr", "port"];

/// The settings that choose among several hosts.
const CHOICES: [&str; 2] = ["target_session_attrs", "load_balance_hosts"];

/// The addresses of the single servers that an address names, in its order; the address itself if it names one, or if
/// its lists have different lengths, which libpq reports.
pub fn split(url: &str) -> Vec<String> {
    let whole = || vec![url.to_owned()];
    let (base, settings) = url.split_once('?').unwrap_or((url, ""));
    let Some((scheme, rest)) = base.split_once("://") else { return whole() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    let hosts: Vec<&str> = hosts.split(',').collect();
    let settings: Vec<(&str, &str)> =
        settings.split('&').filter(|one| !one.is_empty()).map(|one| one.split_once('=').unwrap_or((one, ""))).collect();
    let lists = settings.iter().filter(|(name, _)| LISTS.contains(name)).map(|(_, value)| values(value).len());
    let lengths: Vec<usize> = lists.chain([hosts.len()]).collect();
    let count = lengths.iter().copied().max().unwrap_or(1);
    if count == 1 || lengths.iter().any(|length| *length != 1 && *length != count) {
        return whole();
    }
    let server = |index: usize| {
        let host = hosts.get(index).or(hosts.first()).copied().unwrap_or_default();
        let mut single = format!("{scheme}://{user}{host}{path}?target_session_attrs=any");
        for (name, value) in settings.iter().filter(|(name, _)| !CHOICES.contains(name)) {
            let list = if LISTS.contains(name) { values(value) } else { vec![(*value).to_owned()] };
            let value = list.get(index).or(list.first()).cloned().unwrap_or_default();
            single = single + "&" + name + "=" + &value;
        }
        single
    };
    (0..count).map(server).collect()
}

/// Whether libpq may choose another server than one that accepts writes.
pub fn allows_standbys(url: &str) -> bool {
    setting(url, "target_session_attrs").is_some_and(|choice| !matches!(choice, "read-write" | "primary"))
}

/// The value that an address gives for a setting.
pub fn setting<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let (_, settings) = url.split_once('?')?;
    settings
        .split('&')
        .filter_map(|setting| setting.split_once('='))
        .find(|(given, _)| *given == name)
        .map(|(_, value)| value)
}

/// The values of a list, whose commas may be percent-encoded.
fn values(list: &str) -> Vec<String> {
    list.replace("%2C", ",").replace("%2c", ",").split(',').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_gets_an_address_of_its_own() {
        let split = |url: &str| split(url).join(" ");
        assert_eq!(split("postgres://u:p@a:1/db?sslmode=require"), "postgres://u:p@a:1/db?sslmode=require");
        assert_eq!(
            split("postgres://u:p@a:1,b:2,[::1]/db?target_session_attrs=read-write&sslmode=require"),
            "postgres://u:p@a:1/db?target_session_attrs=any&sslmode=require \
             postgres://u:p@b:2/db?target_session_attrs=any&sslmode=require \
             postgres://u:p@[::1]/db?target_session_attrs=any&sslmode=require"
        );
        assert_eq!(
            split("postgres:///db?host=/run/a%2C/run/b&port=1,2&user=u"),
            "postgres:///db?target_session_attrs=any&host=/run/a&port=1&user=u \
             postgres:///db?target_session_attrs=any&host=/run/b&port=2&user=u"
        );
        assert_eq!(
            split("postgres://a,b/db?hostaddr=192.0.2.1,192.0.2.2&port=7"),
            "postgres://a/db?target_session_attrs=any&hostaddr=192.0.2.1&port=7 \
             postgres://b/db?target_session_attrs=any&hostaddr=192.0.2.2&port=7"
        );
    }

    #[test]
    fn lists_of_different_lengths_stay_as_they_are() {
        for url in ["postgres://a,b,c/db?port=1,2", "postgres://a,b/db?hostaddr=192.0.2.1,192.0.2.2,192.0.2.3"] {
            assert_eq!(split(url), [url]);
        }
    }

    #[test]
    fn only_an_explicit_choice_allows_standbys() {
        let allows = |choice: &str| allows_standbys(&format!("postgres://a,b/db?{choice}"));
        assert!(!allows("") && !allows("target_session_attrs=read-write") && !allows("target_session_attrs=primary"));
        assert!(allows("target_session_attrs=any") && allows("sslmode=x&target_session_attrs=prefer-standby"));
    }
}
