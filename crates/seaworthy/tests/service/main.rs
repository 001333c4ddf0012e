//! The service as its users meet it: the real binary, real sockets, a real MariaDB.

mod bad_input;
mod client;
mod commands;
mod contract;
mod durability;
mod lifecycle;
mod mariadb;
mod outage;
mod server;
mod telemetry;
mod tls;
mod tools;
mod tutorials;
