//! What the integration tests share. Each part stands alone; none of them asserts anything
//! about `swarmdir`.

pub(crate) mod alone;
pub(crate) mod claude;
pub(crate) mod jobs;
pub(crate) mod stub;
