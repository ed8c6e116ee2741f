//! Who is in a room hears what the others say there: all of it, in one order, and nothing else.

use std::collections::BTreeSet;
use std::time::Duration;

use reactor::Kernel;

use crate::chat_server;
use crate::client::{Act, Script};
use crate::journal::{Deed, Entry};
use crate::stage::{Fate, Outcome, Stage, anywhere};

const SERVER: (&str, u16) = ("server", 7777);

/// Longer cuts are for the server as if nobody read.
const PATIENCE: Duration = Duration::from_secs(10);

const ROOMS: [&str; 3] = ["lobby", "attic", "cellar"];

pub(crate) fn rooms(seed: u64) -> Outcome {
    let start = |kernel: &mut Kernel| chat_server::start(kernel, (anywhere(SERVER.1), usize::MAX));
    let mut stage = Stage::new(seed, start);
    stage.set_patience(PATIENCE);
    for number in 0..stage.random.usize(2..12) {
        let script = script(&mut stage, number);
        stage.invite(script);
    }
    stage.live();
    let is_rough = stage.is_rough;
    stage.end(|fates, entries| judge(fates, entries, is_rough))
}

/// Comes, says things in rooms, and goes.
fn script(stage: &mut Stage, number: usize) -> Script {
    let mut acts = vec![(stage.pause(), line(&name_of(number)))];
    for at in 0..stage.random.usize(1..25) {
        let words = match stage.random.u8(..10) {
            0 => format!("/join {}", ROOMS[stage.random.usize(..ROOMS.len())]),
            1 => String::from("/who"),
            2 => String::from("/rooms"),
            _ => {
                let blanks = " ".repeat(stage.random.usize(1..20));
                format!("{at}{blanks}by c{number}")
            }
        };
        acts.push((stage.pause(), line(&words)));
    }
    match stage.random.u8(..4) {
        0 => acts.push((stage.pause(), Act::Leave)),
        1 => acts.push((stage.pause(), Act::HalfClose)),
        _ => acts.push((stage.pause(), line("/quit"))),
    }
    Script { server: SERVER, rest: stage.rest(), acts }
}

fn line(words: &str) -> Act {
    Act::Say(format!("{words}\n").into())
}

/// Half of one is nobody's.
fn name_of(number: usize) -> String {
    format!("c{number}.")
}

/// A client's time in a room.
#[derive(Debug, Default)]
struct Stay {
    room: String,
    /// What it said there, and when.
    said: Vec<(Duration, String)>,
    /// When it knew that it was in.
    entered: Option<Duration>,
    /// When it went, or wished to.
    left: Option<Duration>,
    heard: Vec<Heard>,
}

#[derive(Debug)]
enum Heard {
    Said { by: usize, text: String },
    Joined(usize),
    Left(usize),
}

fn judge(fates: &[Fate], entries: &[Entry], is_rough: bool) {
    let stays: Vec<Vec<Stay>> = fates.iter().map(|fate| stays(fate, entries)).collect();
    for (hearer, stay) in
        stays.iter().zip(fates).flat_map(|(stays, fate)| stays.iter().map(move |stay| (fate, stay)))
    {
        for speaker in fates.iter().filter(|speaker| speaker.number != hearer.number) {
            heard_in_order(stay, speaker, &stays[speaker.number]);
            if !is_rough && hearer.in_peace && speaker.in_peace {
                heard_all(hearer, stay, speaker, &stays[speaker.number]);
            }
        }
    }
    same_order(&stays);
    for Fate { number, story, in_peace, .. } in fates {
        let end = &story.end;
        let ends_well = is_rough || *end == Some(Deed::Left) || *end == Some(Deed::Heard);
        assert!(!in_peace || ends_well, "client {number} ends with {end:?}");
    }
}

/// By what it said, and by what it was told.
fn stays(fate: &Fate, entries: &[Entry]) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    let (mut at, mut got) = (None, Vec::new());
    for entry in entries.iter().filter(|entry| entry.client == fate.number) {
        match &entry.deed {
            Deed::Said(line) => said(&mut stays, fate.number, entry.at, line),
            Deed::HalfClosed | Deed::Left | Deed::Heard | Deed::Broke(_) => {
                if let Some(stay) = stays.last_mut() {
                    stay.left.get_or_insert(entry.at);
                }
            }
            Deed::Got(bytes) => {
                got.extend(bytes);
                while let Some(end) = got.windows(2).position(|two| two == b"\r\n") {
                    let line: Vec<u8> = got.drain(..end + 2).collect();
                    let line = str::from_utf8(&line[..end]).expect("text");
                    heard(&mut stays, &mut at, fate, (entry.at, line));
                }
            }
            Deed::Began | Deed::Connected => {}
        }
    }
    stays
}

fn said(stays: &mut Vec<Stay>, number: usize, at: Duration, line: &[u8]) {
    let line = str::from_utf8(line).expect("text").trim_end();
    let room = if line == name_of(number) { Some("lobby") } else { line.strip_prefix("/join ") };
    let here = stays.last_mut();
    match room {
        Some(room) if here.as_ref().is_none_or(|here| here.room != room) => {
            if let Some(here) = here {
                here.left = Some(at);
            }
            stays.push(Stay { room: room.to_owned(), ..Stay::default() });
        }
        _ => {
            let here = here.expect("its name is the first that it says");
            if line == "/quit" {
                here.left = Some(at);
            } else if !line.starts_with('/') {
                here.said.push((at, line.to_owned()));
            }
        }
    }
}

fn heard(stays: &mut [Stay], place: &mut Option<usize>, fate: &Fate, (at, line): (Duration, &str)) {
    let me = name_of(fate.number);
    if let Some(room) = line.strip_prefix(&format!("* {me}, you are in ")) {
        let next = place.map_or(0, |place| place + 1);
        assert_eq!(stays[next].room, room, "{me} is in another room");
        (stays[next].entered, *place) = (Some(at), Some(next));
        return;
    }
    let number =
        |name: &str| -> Option<usize> { name.strip_prefix('c')?.strip_suffix('.')?.parse().ok() };
    let news = match line.strip_prefix("* ").map(|line| line.split_once(" has ")) {
        Some(Some((name, "joined"))) => number(name).map(Heard::Joined),
        Some(Some((name, "left" | "left: too slow"))) => number(name).map(Heard::Left),
        Some(_) => {
            let from_rooms = |room: &&str| line.starts_with(&format!("* {room}: "));
            let plain = ["* your nickname?", "* you are there", "* good bye", "* the server ends"];
            let is_known = plain.contains(&line) || ROOMS.iter().any(|room| from_rooms(&room));
            return assert!(is_known || !fate.in_peace, "{me} heard {line:?}");
        }
        None => {
            let (name, text) = line
                .strip_prefix('<')
                .and_then(|line| line.split_once("> "))
                .expect("somebody says it");
            let by = number(name).expect("who has a whole name");
            Some(Heard::Said { by, text: text.to_owned() })
        }
    };
    let place = place.expect("nobody hears anything who is nowhere");
    stays[place].heard.extend(news);
}

/// Of one speaker: each line that was said in this room, one after the other, and none left out; all of
/// them from when the speaker is seen to come to when he is seen to go.
fn heard_in_order(stay: &Stay, speaker: &Fate, theirs: &[Stay]) {
    let lines: Vec<(usize, usize, &str)> = theirs
        .iter()
        .enumerate()
        .filter(|(_, there)| there.room == stay.room)
        .flat_map(|(number, there)| {
            there.said.iter().enumerate().map(move |(at, (_, text))| (number, at, text.as_str()))
        })
        .collect();
    let is_told = speaker.in_peace && speaker.story.end != Some(Deed::Left);
    // The stay that is seen, and how many of its lines.
    let mut seen: Option<(usize, usize)> = None;
    let mut came = false;
    for heard in &stay.heard {
        match heard {
            Heard::Joined(who) if *who == speaker.number => (seen, came) = (None, true),
            Heard::Said { by, text } if *by == speaker.number => {
                let line = lines.iter().find(|(.., said)| said == text);
                let Some((there, at, _)) = line else {
                    // Who leaves in the middle of a line has said the first half, of a command too.
                    let is_half = lines.iter().any(|(.., said)| said.starts_with(text));
                    let is_half = !is_told && (is_half || text.starts_with('/'));
                    assert!(is_half, "{text:?} was not said in {}", stay.room);
                    continue;
                };
                match seen {
                    Some(seen) => assert_eq!((*there, *at), seen, "{text:?} is not the next line"),
                    None => assert!(!came || *at == 0, "{text:?} is not the first line"),
                }
                (seen, came) = (Some((*there, at + 1)), false);
            }
            Heard::Left(who) if *who == speaker.number => {
                if let Some((there, count)) = seen.take() {
                    let is_whole = count == theirs[there].said.len();
                    let is_last = there + 1 == theirs.len();
                    assert!(
                        is_whole || (is_last && !is_told),
                        "c{who} left unheard, at line {count}"
                    );
                }
                came = false;
            }
            Heard::Joined(_) | Heard::Said { .. } | Heard::Left(_) => {}
        }
    }
}

/// What takes long enough on a calm network.
const SOON: Duration = Duration::from_secs(3);

/// Whoever was there long before and long after a line was said has heard it.
fn heard_all(hearer: &Fate, stay: &Stay, speaker: &Fate, theirs: &[Stay]) {
    let (Some(entered), Some(left)) = (stay.entered, stay.left) else { return };
    for (at, text) in
        theirs.iter().filter(|there| there.room == stay.room).flat_map(|there| &there.said)
    {
        let is_heard =
            |heard: &Heard| matches!(heard, Heard::Said { text: said, .. } if said == text);
        let was_there = entered + SOON < *at && *at + SOON < left;
        assert!(
            !was_there || stay.heard.iter().any(is_heard),
            "c{} did not hear {text:?} of c{}",
            hearer.number,
            speaker.number
        );
    }
}

/// Two who have heard the same lines have heard them in the same order.
fn same_order(stays: &[Vec<Stay>]) {
    let lines: Vec<Vec<&str>> = stays
        .iter()
        .map(|stays| {
            let heard = stays.iter().flat_map(|stay| &stay.heard);
            let text = |heard| match heard {
                &Heard::Said { ref text, .. } => Some(text.as_str()),
                &Heard::Joined(_) | &Heard::Left(_) => None,
            };
            heard.filter_map(text).collect()
        })
        .collect();
    let sets: Vec<BTreeSet<&str>> =
        lines.iter().map(|lines| lines.iter().copied().collect()).collect();
    for one in 0..lines.len() {
        assert_eq!(lines[one].len(), sets[one].len(), "c{one} heard something twice");
        for other in 0..one {
            let ours = lines[one].iter().filter(|line| sets[other].contains(*line));
            let theirs = lines[other].iter().filter(|line| sets[one].contains(*line));
            assert!(ours.eq(theirs), "c{one} and c{other} heard in another order");
        }
    }
}
