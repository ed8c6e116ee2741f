use super::{Arena, Key};

#[test]
fn a_stale_key_finds_nothing_even_when_its_slot_is_used_again() {
    let mut arena = Arena::new();
    let first = arena.insert("first");
    assert_eq!(arena.remove(first), Some("first"));
    let second = arena.insert("second");
    assert_eq!(first.slot(), second.slot());
    assert_eq!(arena.get(first), None);
    assert_eq!(arena.get_mut(first), None);
    assert_eq!(arena.remove(first), None);
    assert_eq!(arena.get(second), Some(&"second"));
    assert_eq!(arena.len(), 1);
}

#[test]
fn a_key_survives_the_way_through_a_word() {
    let mut arena = Arena::new();
    let old = arena.insert(1);
    arena.remove(old);
    let key = arena.insert(2);
    assert_eq!(Key::from_word(key.to_word()), Some(key));
    assert_eq!(Key::from_word(0), None);
}

#[test]
fn vacant_slots_are_used_before_new_ones() {
    let mut arena = Arena::new();
    let keys: Vec<Key> = (0..4).map(|n| arena.insert(n)).collect();
    arena.remove(keys[1]);
    arena.remove(keys[3]);
    assert_eq!(arena.insert(10).slot(), 3);
    assert_eq!(arena.insert(11).slot(), 1);
    assert_eq!(arena.insert(12).slot(), 4);
    assert_eq!(arena.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [0, 11, 2, 10, 12]);
}

#[test]
fn a_value_of_which_nothing_is_taken_stays() {
    let mut arena = Arena::new();
    let key = arena.insert(String::from("here"));
    assert_eq!(arena.remove_with(key, |_| None::<String>), None);
    assert_eq!(arena.get(key).map(String::as_str), Some("here"));
    let taken = arena.remove_with(key, |value| Some(std::mem::take(value)));
    assert_eq!(taken.as_deref(), Some("here"));
    assert_eq!((arena.get(key), arena.len()), (None, 0));
    assert_eq!(arena.remove_with(key, |_| Some(())), None);
}
