//! Which task this worker holds, as its threads know it.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::domain::task::name::QueueName;

/// The task in hand (or about to be claimed), for the heart to watch over.
#[derive(Clone, Default)]
pub(super) struct Holding(Arc<Mutex<Option<QueueName>>>);

impl Holding {
    pub(super) fn set(&self, name: Option<QueueName>) {
        *self.lock() = name;
    }

    pub(super) fn get(&self) -> Option<QueueName> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<QueueName>> {
        self.0.lock().expect("a panic ends the process, so nobody sees a poisoned lock")
    }
}
