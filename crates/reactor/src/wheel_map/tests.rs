use std::collections::HashMap;

use super::WheelMap;
use crate::arena::Arena;
use crate::ids::WheelId;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).expect("31 bits") % most
    }
}

fn wheels(arena: &mut Arena<()>, count: usize) -> Vec<WheelId> {
    (0..count).map(|_| WheelId(arena.insert(()))).collect()
}

#[test]
fn it_is_what_a_hash_map_is_whatever_is_done() {
    for seed in 0..20 {
        let (mut dice, mut arena) = (Dice(seed), Arena::new());
        let (mut ours, mut theirs) = (WheelMap::default(), HashMap::new());
        let mut ids = wheels(&mut arena, 200);
        for step in 0..4000 {
            let place = dice.below(ids.len());
            let id = ids[place];
            match dice.below(8) {
                0..3 => assert_eq!(ours.insert(id, step), theirs.insert(id, step)),
                3..6 => assert_eq!(ours.remove(&id), theirs.remove(&id)),
                6 => {
                    // The slot is another wheel's from now on. The old one may be in the map still.
                    arena.remove(id.0);
                    ids[place] = WheelId(arena.insert(()));
                }
                _ => {
                    ours.get_mut(&id).into_iter().for_each(|value| *value += 1);
                    theirs.entry(id).and_modify(|value| *value += 1);
                }
            }
            assert_eq!(ours.get(&id), theirs.get(&id));
            assert_eq!(ours.len(), theirs.len());
        }
        let mut all: Vec<_> = ours.iter().map(|(id, value)| (id, *value)).collect();
        let mut expected: Vec<_> = theirs.iter().map(|(id, value)| (*id, *value)).collect();
        all.sort_unstable();
        expected.sort_unstable();
        assert_eq!(all, expected);
        assert!(expected.iter().all(|(id, value)| ours.get(id) == Some(value)));
    }
}

#[test]
fn wheels_of_every_thousandth_slot_are_found_as_fast() {
    let mut arena = Arena::new();
    let ids = wheels(&mut arena, 200_000);
    let mut map = WheelMap::default();
    for id in ids.iter().step_by(1024) {
        map.insert(*id, ());
    }
    let longest = map.places.split(Option::is_none).map(<[_]>::len).max();
    assert!(longest < Some(32), "{longest:?} in a row");
}

#[test]
fn an_empty_one_has_nothing_and_no_memory() {
    let mut arena = Arena::new();
    let id = WheelId(arena.insert(()));
    let mut map = WheelMap::<u8>::default();
    assert_eq!((map.get(&id), map.len(), map.places.capacity()), (None, 0, 0));
    assert_eq!(map.get_mut(&id), None);
    assert_eq!(map.remove(&id), None);
    assert!(map.is_empty());
    map.insert(id, 1);
    assert!(map.contains_key(&id));
    map.iter_mut().for_each(|(_, value)| *value += 1);
    assert_eq!(map.values().copied().collect::<Vec<_>>(), [2]);
    map.clear();
    assert_eq!((map.get(&id), map.len(), map.places.capacity()), (None, 0, 0));
}

#[test]
fn what_is_not_kept_is_gone_and_all_can_be_taken_out() {
    let mut arena = Arena::new();
    let ids = wheels(&mut arena, 100);
    let mut map = WheelMap::default();
    for (number, id) in ids.iter().enumerate() {
        map.insert(*id, number);
    }
    map.values_mut().for_each(|number| *number *= 2);
    map.retain(|_, number| number.is_multiple_of(4));
    assert_eq!(map.len(), 50);
    let mut left: Vec<_> = std::mem::take(&mut map).into_iter().collect();
    left.sort_unstable();
    let expected: Vec<_> = ids.iter().copied().zip((0..).step_by(2)).step_by(2).collect();
    assert_eq!((left, map.len()), (expected, 0));
}
