//! Working memory of Argon2id: taken from the system for one derivation, erased, and given back. From the heap, tens
//! of megabytes would stay with the process after every password that somebody typed.

use super::KdfError;
use argon2::Block;
use zeroize::Zeroize;

#[cfg(not(target_os = "linux"))]
pub(super) use heap::Memory;
#[cfg(target_os = "linux")]
pub(super) use mapped::Memory;

impl Drop for Memory {
    /// The blocks hold what the key is computed from.
    fn drop(&mut self) {
        self.blocks().iter_mut().zeroize();
        self.give_back();
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
mod mapped {
    use super::{Block, KdfError};
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
    use std::ptr::{NonNull, null_mut};

    /// A private mapping of `count` blocks.
    pub struct Memory {
        first: NonNull<Block>,
        count: usize,
    }

    impl Memory {
        /// # Errors
        /// [`KdfError::OutOfMemory`].
        pub fn take(count: usize) -> Result<Memory, KdfError> {
            // SAFETY: a new private mapping at an address of the kernel's choice touches no memory of anybody.
            let pages = unsafe {
                mmap_anonymous(
                    null_mut(),
                    count * size_of::<Block>(),
                    ProtFlags::READ | ProtFlags::WRITE,
                    MapFlags::PRIVATE,
                )
            };
            let first = pages.ok().and_then(|pages| NonNull::new(pages.cast()));
            let first = first.ok_or(KdfError::OutOfMemory)?;
            Ok(Memory { first, count })
        }

        pub fn blocks(&mut self) -> &mut [Block] {
            // SAFETY: the mapping is `count` blocks long, begins at a page (stricter than a block's alignment), is
            // zeroed by the kernel (all bit patterns are blocks), and is reached through `self` alone.
            unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr(), self.count) }
        }

        pub(super) fn give_back(&mut self) {
            // SAFETY: exactly the mapping of `take`, and nothing borrows from it: this is called by `drop` alone.
            let _ = unsafe { munmap(self.first.as_ptr().cast(), self.count * size_of::<Block>()) };
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod heap {
    use super::{Block, KdfError};

    pub struct Memory(Vec<Block>);

    impl Memory {
        /// # Errors
        /// [`KdfError::OutOfMemory`].
        pub fn take(count: usize) -> Result<Memory, KdfError> {
            let mut blocks = Vec::new();
            blocks
                .try_reserve_exact(count)
                .map_err(|_| KdfError::OutOfMemory)?;
            blocks.resize(count, Block::new());
            Ok(Memory(blocks))
        }

        pub fn blocks(&mut self) -> &mut [Block] {
            &mut self.0
        }

        pub(super) fn give_back(&mut self) {}
    }
}
