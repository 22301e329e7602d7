//! What holds whatever the input is: shared by the fuzz targets of `fuzz/` and by the tests that replay their corpora.
//!
//! Each property is a function of bytes that panics where it does not hold. It may not know who calls it.

pub(crate) mod config;
pub(crate) mod names;
pub(crate) mod rules;
pub(crate) mod safe;
pub(crate) mod stream_line;
pub(crate) mod task_file;
