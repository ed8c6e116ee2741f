use super::Heap;
use crate::clock::Moment;
use crate::queue::Stamp;
use std::time::Duration;

fn stamp(due: u64, sequence: u64) -> Stamp {
    Stamp { due: Moment::ZERO.after(Duration::from_nanos(due)), sequence }
}

/// A small generator, so that the operations are many and the same in every run.
fn numbers(mut seed: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    }
}

#[test]
fn agrees_with_a_sorted_list_over_many_random_operations() {
    let mut random = numbers(7);
    let (mut heap, mut list) = (Heap::default(), Vec::<(Stamp, u32)>::new());
    for sequence in 0..200_000 {
        let slot = u32::try_from(random(500)).unwrap();
        match random(4) {
            0 | 1 if !heap.contains(slot) => {
                let stamp = stamp(random(1_000), sequence);
                heap.push(slot, stamp);
                list.push((stamp, slot));
            }
            2 => {
                let there = list.iter().position(|(_, other)| *other == slot);
                assert_eq!(heap.remove(slot), there.is_some());
                if let Some(place) = there {
                    list.remove(place);
                }
            }
            _ => {
                let least = list.iter().enumerate().min_by_key(|(_, (stamp, _))| *stamp);
                let expected = least.map(|(place, _)| place).map(|place| list.remove(place));
                assert_eq!(heap.pop().map(|(slot, stamp)| (stamp, slot)), expected);
            }
        }
        assert_eq!(heap.peek().map(|(_, stamp)| stamp), list.iter().map(|(stamp, _)| *stamp).min());
    }
}
