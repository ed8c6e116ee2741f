//! The system's numbers of errors, as far as the network knows them.

use std::io;

use rustix::io::Errno;

macro_rules! numbers {
    ($($name:ident),*) => {
        $(pub(super) const $name: i32 = Errno::$name.raw_os_error();)*
    };
}

numbers!(
    ADDRINUSE,
    ADDRNOTAVAIL,
    AFNOSUPPORT,
    AGAIN,
    ALREADY,
    CONNREFUSED,
    CONNRESET,
    DESTADDRREQ,
    HOSTUNREACH,
    INPROGRESS,
    INVAL,
    ISCONN,
    MFILE,
    MSGSIZE,
    NOTCONN,
    NOTSOCK,
    OPNOTSUPP,
    PIPE,
    SOCKTNOSUPPORT,
    TIMEDOUT
);

pub(super) fn error(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}
