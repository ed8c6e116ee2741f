//! Who is in a room hears what the others say there: all of it, in one order, and nothing else.

use std::collections::BTreeSet;
use std::time::Duration;

use reactor::Kernel;

use crate::client::{Act, Script};
use crate::echoes::{IDLE, proxy};
use crate::journal::{Deed, Entry};
use crate::stage::{Fate, Outcome, Stage, anywhere};
use crate::{chat_server, line_chat, tcp_proxy};

const SERVER: (&str, u16) = ("server", 7777);

/// Longer cuts are for the server as if nobody read.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a server says what.
struct Dialect {
    rooms: &'static [&'static str],
    commands: &'static [&'static str],
    /// To which room it says that `me` has come.
    entered: fn(line: &str, me: &str) -> Option<String>,
    /// What it says of others, after their names.
    joined: &'static str,
    left: &'static [&'static str],
    /// How else its lines begin.
    plain: &'static [&'static str],
}

const ROOMS: Dialect = Dialect {
    rooms: &["lobby", "attic", "cellar"],
    commands: &["/who", "/rooms"],
    entered: |line, me| Some(line.strip_prefix(&format!("* {me}, you are in "))?.to_owned()),
    joined: " has joined",
    left: &[" has left", " has left: too slow"],
    plain: &[
        "* your nickname?",
        "* you are there",
        "* good bye",
        "* the server ends",
        "* lobby: ",
        "* attic: ",
        "* cellar: ",
    ],
};

const ONE_ROOM: Dialect = Dialect {
    rooms: &["lobby"],
    commands: &["/who"],
    entered: |line, me| (line == format!("hello, {me}")).then(|| String::from("lobby")),
    joined: " is here",
    left: &[" is gone"],
    plain: &["your name?", "* c", "bye, c"],
};

/// The chat of the ports, behind a proxy on the same host.
pub(crate) fn one_room(seed: u64) -> Outcome {
    let mut stage = Stage::new(seed, |kernel| {
        tcp_proxy::start(kernel, proxy(SERVER.1, "127.0.0.1:12345"));
        line_chat::start(kernel, 12_345);
    });
    stage.without_limits();
    stage.ends_with_two_signals();
    chat(stage, &ONE_ROOM)
}

pub(crate) fn rooms(seed: u64) -> Outcome {
    let start = |kernel: &mut Kernel| chat_server::start(kernel, (anywhere(SERVER.1), usize::MAX));
    chat(Stage::new(seed, start), &ROOMS)
}

fn chat(mut stage: Stage, dialect: &Dialect) -> Outcome {
    stage.set_patience(PATIENCE);
    stage.set_hurry(IDLE);
    for number in 0..stage.random.usize(2..12) {
        let script = script(&mut stage, number, dialect);
        stage.invite(script);
    }
    stage.live();
    stage.end(|fates, entries| judge(fates, entries, dialect))
}

/// Comes, says things in rooms, and goes.
fn script(stage: &mut Stage, number: usize, dialect: &Dialect) -> Script {
    let Dialect { rooms, commands, .. } = dialect;
    let mut acts = vec![(stage.pause(), line(&name_of(number)))];
    for at in 0..stage.random.usize(1..25) {
        let words = match stage.random.u8(..10) {
            0 if rooms.len() > 1 => format!("/join {}", rooms[stage.random.usize(..rooms.len())]),
            1 => commands[stage.random.usize(..commands.len())].to_owned(),
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

fn name_of(number: usize) -> String {
    format!("c{number}{HALF_IS_NOBODY}")
}

const HALF_IS_NOBODY: char = '_';

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

fn judge(fates: &[Fate], entries: &[Entry], dialect: &Dialect) {
    let stays: Vec<Vec<Stay>> = fates.iter().map(|fate| stays(fate, entries, dialect)).collect();
    for (hearer, stay) in
        stays.iter().zip(fates).flat_map(|(stays, fate)| stays.iter().map(move |stay| (fate, stay)))
    {
        for speaker in fates.iter().filter(|speaker| speaker.number != hearer.number) {
            heard_in_order(stay, speaker, &stays[speaker.number]);
            if hearer.on_time && speaker.on_time {
                heard_all(hearer, stay, speaker, &stays[speaker.number]);
            }
        }
    }
    for (hearer, theirs) in stays.iter().enumerate() {
        theirs.iter().for_each(|stay| nothing_of_before(hearer, stay, &stays));
    }
    same_order(&stays);
    for fate in fates.iter().filter(|fate| fate.on_time) {
        let ends_well = [Some(Deed::Left), Some(Deed::Heard)].contains(&fate.story.end);
        assert!(ends_well, "a bad end: {fate}");
    }
}

/// By what it said, and by what it was told.
fn stays(fate: &Fate, entries: &[Entry], dialect: &Dialect) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    let (mut place, mut got) = (None, Vec::new());
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
                    let news = news(line, fate, dialect);
                    place = hear(&mut stays, place, news.map(|news| (entry.at, news)));
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

enum News {
    Entered(String),
    Heard(Heard),
}

fn news(line: &str, fate: &Fate, dialect: &Dialect) -> Option<News> {
    let number = |name: &str| -> Option<usize> {
        name.strip_prefix('c')?.strip_suffix(HALF_IS_NOBODY)?.parse().ok()
    };
    if let Some(room) = (dialect.entered)(line, &name_of(fate.number)) {
        return Some(News::Entered(room));
    }
    if let Some((name, text)) = line.strip_prefix('<').and_then(|line| line.split_once("> ")) {
        let by = number(name).expect("who has a whole name");
        return Some(News::Heard(Heard::Said { by, text: text.to_owned() }));
    }
    let others = line.strip_prefix("* ").unwrap_or_default();
    if let Some(name) = others.strip_suffix(dialect.joined) {
        return number(name).map(|name| News::Heard(Heard::Joined(name)));
    }
    if let Some(name) = dialect.left.iter().find_map(|left| others.strip_suffix(left)) {
        return number(name).map(|name| News::Heard(Heard::Left(name)));
    }
    let is_known = dialect.plain.iter().any(|plain| line.starts_with(plain));
    assert!(is_known || !fate.in_peace, "{line:?}: {fate}");
    None
}

/// Gives the stay that it is in afterwards.
fn hear(stays: &mut [Stay], place: Option<usize>, news: Option<(Duration, News)>) -> Option<usize> {
    match news {
        Some((at, News::Entered(room))) => {
            let next = place.map_or(0, |place| place + 1);
            assert_eq!(stays[next].room, room, "in another room");
            stays[next].entered = Some(at);
            Some(next)
        }
        Some((_, News::Heard(heard))) => {
            let place = place.expect("nobody hears anything who is nowhere");
            stays[place].heard.push(heard);
            Some(place)
        }
        None => place,
    }
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
                    assert!(is_whole || !is_told, "c{who} left unheard, at line {count}");
                }
                came = false;
            }
            Heard::Joined(_) | Heard::Said { .. } | Heard::Left(_) => {}
        }
    }
}

/// Whoever comes hears nothing that was said before, as one who was there knows. (Who comes twice into a room may
/// have heard it the first time.)
fn nothing_of_before(newcomer: usize, stay: &Stay, all: &[Vec<Stay>]) {
    let visits = all[newcomer].iter().filter(|other| other.room == stay.room);
    if visits.count() > 1 {
        return;
    }
    let heard = texts(std::slice::from_ref(stay));
    let others = all.iter().flatten().filter(|other| other.room == stay.room);
    for witness in others {
        let is_arrival = |heard: &Heard| matches!(heard, Heard::Joined(who) if *who == newcomer);
        let Some(arrival) = witness.heard.iter().position(is_arrival) else { continue };
        for before in &witness.heard[..arrival] {
            if let Heard::Said { text, .. } = before {
                assert!(!heard.contains(&text.as_str()), "c{newcomer} hears {text:?} too late");
            }
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
    let lines: Vec<Vec<&str>> = stays.iter().map(|stays| texts(stays)).collect();
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

fn texts(stays: &[Stay]) -> Vec<&str> {
    let mut texts = Vec::new();
    for heard in stays.iter().flat_map(|stay| &stay.heard) {
        if let Heard::Said { text, .. } = heard {
            texts.push(text.as_str());
        }
    }
    texts
}
