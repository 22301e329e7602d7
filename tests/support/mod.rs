//! What the integration tests share. Each part stands alone; none of them asserts anything
//! about `swarmdir`.

pub(crate) mod claude;
pub(crate) mod stub;
