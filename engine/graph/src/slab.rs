//! Nodes in chunks that never move, named by dense ids.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::Mutex;

/// Names a place in the slab. A place is used again after its node was dropped; an
/// [`Edge`](crate::deps::Edge) tells the occupants apart by its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(u32);

impl NodeId {
    pub(crate) fn from_raw(raw: u32) -> NodeId {
        NodeId(raw)
    }

    pub(crate) fn to_raw(self) -> u32 {
        self.0
    }
}

/// The first chunk has this many places, as a power of two.
const FIRST_BITS: u32 = 8;
/// Chunks per doubling, as a power of two: the more, the less is reserved in vain.
const STEP_BITS: u32 = 2;
/// Ids stay below this, so that an edge has a bit to spare.
const MAX_IDS: u32 = 1 << 30;
const CHUNKS: usize = ((31 - FIRST_BITS) << STEP_BITS) as usize;

/// A growing array that is read without a lock, since what was once placed stays where it is.
///
/// Chunks grow by the scheme of a floating-point number: four chunks of one size, then four of
/// twice the size; so at most a quarter of the places is reserved in vain.
pub(crate) struct Slab<T> {
    chunks: Box<[OnceLock<Box<[T]>>]>,
    len: AtomicU32,
    free: Mutex<Vec<NodeId>>,
    free_count: AtomicU32,
    /// Whether what is in it is never to be dropped.
    left: AtomicBool,
}

impl<T> Drop for Slab<T> {
    fn drop(&mut self) {
        if *self.left.get_mut() {
            std::mem::forget(std::mem::take(&mut self.chunks));
        }
    }
}

struct Place {
    chunk: usize,
    size: usize,
    offset: usize,
}

fn place(id: NodeId) -> Place {
    let shifted = id.0 + (1 << FIRST_BITS);
    let exponent = 31 - shifted.leading_zeros();
    let step = (shifted >> (exponent - STEP_BITS)) - (1 << STEP_BITS);
    let size = 1 << (exponent - STEP_BITS);
    Place {
        chunk: (((exponent - FIRST_BITS) << STEP_BITS) + step) as usize,
        size: size as usize,
        offset: (shifted & (size - 1)) as usize,
    }
}

impl<T: Default> Slab<T> {
    pub(crate) fn new() -> Slab<T> {
        Slab {
            chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(),
            len: AtomicU32::new(0),
            free: Mutex::new(Vec::new()),
            free_count: AtomicU32::new(0),
            left: AtomicBool::new(false),
        }
    }

    /// Leaves what is in it to the end of the process.
    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    /// A place nobody uses, one that was released if there is any.
    ///
    /// # Panics
    /// When 2^30 places are in use: some hundred gigabytes of nodes.
    pub(crate) fn allocate(&self) -> NodeId {
        if self.free_count.load(Ordering::Relaxed) > 0 {
            let mut free = self.free.lock();
            if let Some(id) = free.pop() {
                self.free_count.store(free.len() as u32, Ordering::Relaxed);
                return id;
            }
        }
        let id = self.len.fetch_add(1, Ordering::Relaxed);
        assert!(id < MAX_IDS, "the graph holds too many nodes");
        let id = NodeId(id);
        let place = place(id);
        self.chunks[place.chunk].get_or_init(|| (0..place.size).map(|_| T::default()).collect());
        id
    }

    /// Gives places back. The caller has emptied them.
    pub(crate) fn release(&self, ids: Vec<NodeId>) {
        let mut free = self.free.lock();
        free.extend(ids);
        self.free_count.store(free.len() as u32, Ordering::Relaxed);
    }

    /// One more than the greatest id ever given out.
    pub(crate) fn high_water(&self) -> u32 {
        self.len.load(Ordering::Acquire)
    }

    pub(crate) fn in_use(&self) -> usize {
        let free = self.free_count.load(Ordering::Relaxed);
        self.high_water().saturating_sub(free) as usize
    }

    /// What lies at `id`; `None` only for an id whose allocation has not finished.
    pub(crate) fn get(&self, id: NodeId) -> Option<&T> {
        let place = place(id);
        self.chunks.get(place.chunk)?.get()?.get(place.offset)
    }

    /// Bytes reserved for places, used or not.
    pub(crate) fn reserved_bytes(&self) -> usize {
        self.chunks
            .iter()
            .filter_map(OnceLock::get)
            .map(|chunk| chunk.len() * size_of::<T>())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_dense_and_distinct() {
        let mut expected = (0, 0);
        for id in 0..1_000_000 {
            let place = place(NodeId(id));
            assert_eq!((place.chunk, place.offset), expected, "id {id}");
            expected = if place.offset + 1 == place.size {
                (place.chunk + 1, 0)
            } else {
                (place.chunk, place.offset + 1)
            };
        }
    }

    #[test]
    fn last_id_has_a_chunk() {
        assert!(place(NodeId(MAX_IDS - 1)).chunk < CHUNKS);
    }

    #[test]
    fn released_places_come_back() {
        let slab: Slab<Mutex<u8>> = Slab::new();
        let ids: Vec<NodeId> = (0..600).map(|_| slab.allocate()).collect();
        slab.release(vec![ids[7], ids[300]]);
        assert_eq!(slab.in_use(), 598);
        assert_eq!(slab.allocate(), ids[300]);
        assert_eq!(slab.allocate(), ids[7]);
        assert_eq!(slab.allocate(), NodeId(600));
    }
}
