//! The ledger under any split of its input.
