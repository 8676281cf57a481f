//! The byte formats of a followed log: Daytona's three-byte markers, and the
//! exact frames of Pitlane's engine.

pub mod frames;
