//! The masker against its rules: any secrets in any encodings, any splits of
//! the stream, any crash.

mod encodings;
mod examples;
mod material;
mod properties;
mod reference;
