//! HTTP with programs that speak it: curl, wrk, and the server that comes with Python.

mod gathered;
mod python;
mod raw;
mod site;
mod streamed;
