//! A client's connection beside the web server, which does not tell of all that happens to it; knows no request.

use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::{SockRef, Socket};

/// A connection by a descriptor of its own, which lasts as long as a request of it.
#[derive(Clone)]
pub struct Connection(Rc<Socket>);

impl Connection {
    /// Keeps the connection with its requests.
    pub fn keep(stream: &TcpStream, extensions: &mut Extensions) {
        #[cfg(unix)]
        if let Ok(descriptor) = std::os::fd::AsFd::as_fd(stream).try_clone_to_owned() {
            extensions.insert(Self(Rc::new(descriptor.into())));
        }
        #[cfg(not(unix))]
        let _ = (stream, extensions);
    }

    /// Whether the client has hung up, or has closed its side.
    #[cfg(target_os = "linux")]
    pub fn is_hung_up(&self) -> bool {
        use rustix::event::PollFlags;
        self.poll(PollFlags::RDHUP).intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR)
    }

    #[cfg(not(target_os = "linux"))]
    pub fn is_hung_up(&self) -> bool {
        false
    }

    /// Whether the client sent something that the web server has not taken in.
    pub fn has_unread(&self) -> bool {
        #[cfg(target_os = "linux")]
        let unread = rustix::io::ioctl_fionread(&*self.0).unwrap_or(0);
        #[cfg(not(target_os = "linux"))]
        let unread = 0;
        unread > 0
    }

    /// Says the last words on the connection, unless the system takes nothing more for its client: an answer that was begun
    /// may wait to be sent before them then. A client that has gone hears nothing.
    pub fn end_with(&self, words: &str) {
        if self.is_free_to_send() {
            let _ = self.0.send(words.as_bytes()).and_then(|_| self.0.shutdown(std::net::Shutdown::Write));
        }
    }

    #[cfg(target_os = "linux")]
    fn is_free_to_send(&self) -> bool {
        use rustix::event::PollFlags;
        self.poll(PollFlags::OUT).contains(PollFlags::OUT)
    }

    #[cfg(not(target_os = "linux"))]
    fn is_free_to_send(&self) -> bool {
        true
    }

    #[cfg(target_os = "linux")]
    fn poll(&self, what: rustix::event::PollFlags) -> rustix::event::PollFlags {
        use rustix::event::{PollFd, Timespec, poll};
        let mut watched = [PollFd::new(&*self.0, what)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        // What cannot be looked at is taken for unchanged.
        poll(&mut watched, Some(&at_once)).map_or(rustix::event::PollFlags::empty(), |_| watched[0].revents())
    }
}

/// Takes as many connections as the system lets this process have: each has two descriptors.
pub fn raise_descriptor_limit() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(cause = %error, "the limit of open files stays as it is");
        }
    }
}

/// Has the system send at once what is there to be sent: an answer in parts would wait for its client to acknowledge each.
pub fn send_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(cause = %error, "a connection's answers may be sent late");
    }
}

/// Has the system end a connection whose client does not take what was sent to it.
pub fn give_up_on_clients_that_do_not_read(stream: &TcpStream, after: Duration) {
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(after)) {
        tracing::debug!(cause = %error, "a connection has no time limit for clients that do not read");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, after);
}
