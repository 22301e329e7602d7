//! The one integration test binary.
#![expect(clippy::disallowed_methods, reason = "tests set up and check the world from outside")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]
#![expect(clippy::print_stdout, reason = "timings are for people")]

mod worktree;
