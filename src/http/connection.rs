//! A client's TCP connection, for what actix-web does not report about it; knows no request.

use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::{SockRef, Socket};

/// A connection through a duplicate of its descriptor, which stays open as long as one of its requests needs it.
#[derive(Clone)]
pub struct Connection(Rc<Socket>);

impl Connection {
    /// Adds the connection to the data that its requests can access.
    pub fn attach(stream: &TcpStream, extensions: &mut Extensions) {
        #[cfg(unix)]
        if let Ok(descriptor) = std::os::fd::AsFd::as_fd(stream).try_clone_to_owned() {
            extensions.insert(Self(Rc::new(descriptor.into())));
        }
        #[cfg(not(unix))]
        let _ = (stream, extensions);
    }

    /// Whether the client has closed the connection, or its sending side.
    #[cfg(target_os = "linux")]
    pub fn is_closed_by_client(&self) -> bool {
        use rustix::event::PollFlags;
        self.poll(PollFlags::RDHUP).intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR)
    }

    #[cfg(not(target_os = "linux"))]
    pub fn is_closed_by_client(&self) -> bool {
        false
    }

    /// Whether the client sent data that actix-web has not read yet.
    pub fn has_unread(&self) -> bool {
        #[cfg(target_os = "linux")]
        let unread = rustix::io::ioctl_fionread(&*self.0).unwrap_or(0);
        #[cfg(not(target_os = "linux"))]
        let unread = 0;
        unread > 0
    }

    /// Sends a last message and shuts down the sending side, unless the send buffer is full: part of an earlier
    /// response may then still wait to be sent before it. A client that is gone receives nothing.
    pub fn send_and_shut_down(&self, message: &str) {
        if self.is_writable() {
            let _ = self.0.send(message.as_bytes()).and_then(|_| self.0.shutdown(std::net::Shutdown::Write));
        }
    }

    /// Closes the connection without sending anything more.
    pub fn shut_down(&self) {
        // A connection that the client has closed is closed already.
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }

    #[cfg(target_os = "linux")]
    fn is_writable(&self) -> bool {
        use rustix::event::PollFlags;
        self.poll(PollFlags::OUT).contains(PollFlags::OUT)
    }

    #[cfg(not(target_os = "linux"))]
    fn is_writable(&self) -> bool {
        true
    }

    #[cfg(target_os = "linux")]
    fn poll(&self, events: rustix::event::PollFlags) -> rustix::event::PollFlags {
        use rustix::event::{PollFd, Timespec, poll};
        let mut watched = [PollFd::new(&*self.0, events)];
        let no_wait = Timespec { tv_sec: 0, tv_nsec: 0 };
        // A connection that cannot be polled counts as unchanged.
        poll(&mut watched, Some(&no_wait)).map_or(rustix::event::PollFlags::empty(), |_| watched[0].revents())
    }
}

/// Raises the limit of open files to the maximum that the system allows: each connection uses two descriptors.
pub fn raise_descriptor_limit() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(cause = %error, "the limit of open files was not raised");
        }
    }
}

/// Disables Nagle's algorithm, so that a response in parts does not wait for the client to acknowledge each part.
pub fn set_nodelay_on(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(cause = %error, "TCP_NODELAY was not set; responses may be delayed");
    }
}

/// Lets the system close a connection whose client does not read what is sent to it.
pub fn set_user_timeout(stream: &TcpStream, after: Duration) {
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(after)) {
        tracing::debug!(cause = %error, "a connection has no time limit for clients that do not read");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, after);
}
