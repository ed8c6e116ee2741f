//! HTTP: POE's scenarios, the RFCs', smugglers', and the properties all filters must have.

mod answers;
mod client;
mod hostile;
mod kit;
mod limits;
mod pending;
mod poe;
mod requests;
mod round_trips;
mod splits;
mod streamed;
