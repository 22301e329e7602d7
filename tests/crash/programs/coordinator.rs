//! A coordinator that drains, killed at each of its calls; its worker may live on, and the next one takes over.

use super::{COORDINATOR, Case, assert_ends, kill_all, plain};
use crate::crash::proof::Proof;

#[test]
fn a_coordinator_may_die_at_every_call() {
    let case = Case {
        name: "coordinator --drain",
        arrange: || {
            let swarm = plain("");
            swarm.drop("a", "exit 0");
            swarm
        },
        argv: &[COORDINATOR, "--drain", "--agents", "1"],
        finish: |swarm, context| {
            let done = swarm.coordinator(&["--drain", "--agents", "1"]);
            assert_eq!(done.code(), 0, "{context}: {done:?}");
            assert_ends(swarm, &[("a", "done")], context);
        },
    };
    let mut proof = Proof::of("coordinator");
    kill_all(&[case], &mut proof);
    proof.write();
}
