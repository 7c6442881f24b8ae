//! Readers for many threads at once: each is used by one at a time, and made when none is free.

use fengjuan_store::StoreError;
use std::sync::{Mutex, PoisonError};

type Open<T> = Box<dyn Fn() -> Result<T, StoreError> + Send + Sync>;

/// Readers of one database.
pub struct Pool<T> {
    free: Mutex<Vec<T>>,
    open: Open<T>,
}

impl<T> Pool<T> {
    pub fn new(open: impl Fn() -> Result<T, StoreError> + Send + Sync + 'static) -> Pool<T> {
        Pool {
            free: Mutex::default(),
            open: Box::new(open),
        }
    }

    /// Reads with one of them. Blocks on the disk.
    ///
    /// # Errors
    /// What `read` meets, and where no further reader can be opened.
    pub fn read<V>(&self, read: impl FnOnce(&T) -> Result<V, StoreError>) -> Result<V, StoreError> {
        let free = self
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let reader = match free {
            Some(reader) => reader,
            None => (self.open)()?,
        };
        let found = read(&reader);
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(reader);
        found
    }
}
