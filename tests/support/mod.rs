//! What the integration tests share. Each part stands alone; none of them asserts anything
//! about `swarmdir`.

pub(crate) mod after;
pub(crate) mod alone;
pub(crate) mod cgroups;
pub(crate) mod claude;
pub(crate) mod deadline;
pub(crate) mod jobs;
pub(crate) mod proof;
pub(crate) mod running;
pub(crate) mod settled;
pub(crate) mod stub;
pub(crate) mod swarm;
