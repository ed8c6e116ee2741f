//! The order of events, told and compared.
