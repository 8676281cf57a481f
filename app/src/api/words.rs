//! What several server functions need: errors of the store and the runs put
//! into words, and the few answers that are put together from several calls.
