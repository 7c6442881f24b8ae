use super::{cases, command};
use fengjuan_core::room::post::{
    Acknowledgement, Inbox, Incoming, Mark, Numbered, Outbox, PostError, Settled,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// A terminal that does what comes, and what it has done, in order.
#[derive(Default)]
struct Terminal {
    inbox: Inbox,
    done: Vec<u8>,
}

impl Terminal {
    fn obeying(epoch: u64) -> Terminal {
        let mut terminal = Terminal::default();
        terminal.inbox.raise(epoch);
        terminal
    }

    /// Every third command is refused.
    fn receive(&mut self, one: &Numbered) -> Option<Acknowledgement> {
        let id = one.command.command_id;
        match self.inbox.look(one.epoch, one.no, &id) {
            Incoming::Next => {
                let refusal = id[0]
                    .is_multiple_of(3)
                    .then(|| "attempt.refused".to_owned());
                if refusal.is_none() {
                    self.done.push(id[0]);
                }
                Some(self.inbox.take(id, refusal))
            }
            Incoming::Known { refusal } => Some(self.inbox.take(id, refusal)),
            Incoming::Again(acknowledgement) => Some(acknowledgement),
            Incoming::AskFrom { .. } | Incoming::Stale { .. } | Incoming::Unraised { .. } => None,
        }
    }
}

#[test]
fn in_order_once_and_acknowledged_again() {
    let mut outbox = Outbox::new(1);
    let mut terminal = Terminal::obeying(1);
    let (one, two) = (outbox.push(command(1)), outbox.push(command(2)));
    assert_eq!((one.no, two.no), (1, 2));
    assert_eq!(
        terminal.inbox.look(1, 2, &[2; 16]),
        Incoming::AskFrom { no: 1 }
    );
    let acknowledged = terminal.receive(&one).unwrap();
    assert_eq!(terminal.receive(&one), Some(acknowledged));
    assert_eq!(terminal.done, [1]);
    assert!(matches!(outbox.acknowledged(1, 1), Settled::First { .. }));
    assert_eq!(outbox.acknowledged(1, 1), Settled::Again);
    assert_eq!(outbox.acknowledged(2, 1), Settled::Stray);
    assert_eq!(outbox.acknowledged(1, 3), Settled::Stray);
    assert_eq!(outbox.acknowledged(1, 0), Settled::Stray);
    assert_eq!(outbox.after(terminal.inbox.mark()).unwrap(), [two]);
}

#[test]
fn a_refusal_is_final_and_told_again() {
    let mut outbox = Outbox::new(1);
    let mut terminal = Terminal::obeying(1);
    let refused = outbox.push(command(3));
    let first = terminal.receive(&refused).unwrap();
    assert_eq!(first.refusal.as_deref(), Some("attempt.refused"));
    assert_eq!(terminal.receive(&refused), Some(first));
    // Given again by the next station: known, and still refused.
    let raised = outbox.raised(2);
    terminal.inbox.raise(2);
    let again = raised.waiting().next().unwrap();
    assert_eq!((again.epoch, again.no), (2, 1));
    assert!(matches!(
        terminal.inbox.look(2, 1, &again.command.command_id),
        Incoming::Known { refusal: Some(_) }
    ));
    assert!(terminal.receive(&again).unwrap().refusal.is_some());
    assert!(terminal.done.is_empty());
}

#[test]
fn no_station_but_the_highest_is_obeyed() {
    let mut old = Outbox::new(1);
    let mut terminal = Terminal::obeying(1);
    let one = old.push(command(1));
    terminal.receive(&one).unwrap();
    let late = old.push(command(2));
    let mut new = old.clone().raised(2);
    let reissued = new.waiting().next().unwrap();
    // Nothing of an epoch whose document was not seen.
    assert_eq!(
        terminal.inbox.look(2, 1, &[1; 16]),
        Incoming::Unraised { obeyed: 1 }
    );
    terminal.inbox.raise(2);
    assert_eq!(
        terminal.inbox.look(1, 2, &[2; 16]),
        Incoming::Stale { obeyed: 2 }
    );
    assert_eq!(terminal.receive(&late), None);
    // The command that the old station never heard acknowledged comes again, and is not done again.
    assert_eq!(reissued.command, one.command);
    terminal.receive(&reissued).unwrap();
    terminal.receive(&new.waiting().nth(1).unwrap()).unwrap();
    terminal.receive(&new.push(command(4))).unwrap();
    assert_eq!(terminal.done, [1, 2, 4]);
    terminal.inbox.raise(1);
    assert_eq!(terminal.inbox.mark(), Mark { epoch: 2, taken: 3 });
}

#[test]
fn a_mark_that_cannot_be_is_told() {
    let mut outbox = Outbox::new(2);
    for number in 1..=4 {
        outbox.push(command(number));
    }
    outbox.acknowledged(2, 1);
    outbox.acknowledged(2, 2);
    let mark = |epoch, taken| Mark { epoch, taken };
    assert_eq!(outbox.after(mark(2, 2)).unwrap().len(), 2);
    // Taken, and the acknowledgement got lost: it goes along, so that the outcome is heard.
    assert_eq!(outbox.after(mark(2, 4)).unwrap().len(), 2);
    assert_eq!(outbox.from(4).len(), 1);
    let superseded = PostError::Superseded { mine: 2, theirs: 3 };
    assert_eq!(outbox.after(mark(3, 0)), Err(superseded));
    let back = PostError::WentBack {
        says: 1,
        acknowledged: 2,
    };
    assert_eq!(outbox.after(mark(2, 1)), Err(back));
    let ahead = PostError::Ahead { says: 5, given: 4 };
    assert_eq!(outbox.after(mark(2, 5)), Err(ahead));
}

#[test]
fn what_is_not_carried_on_is_done_when_it_comes_again() {
    let mut outbox = Outbox::new(1);
    let mut terminal = Terminal::obeying(1);
    terminal.receive(&outbox.push(command(1))).unwrap();
    terminal.receive(&outbox.push(command(1))).unwrap();
    assert_eq!(terminal.done, [1]);
    terminal.inbox.forget(&[1; 16]);
    terminal.receive(&outbox.push(command(1))).unwrap();
    assert_eq!(terminal.done, [1, 1]);
    terminal.inbox.learn([2; 16], None);
    terminal.receive(&outbox.push(command(2))).unwrap();
    assert_eq!(terminal.done, [1, 1]);
}

/// What happens between a station and a terminal.
#[derive(Clone, Debug)]
enum Happens {
    /// A command is given.
    Give,
    /// A message on its way arrives: commands by their place in the pool, and acknowledgements.
    Command(usize),
    Acknowledge(usize),
    Reconnect,
    TakeOver,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => Just(Happens::Give),
        6 => any::<usize>().prop_map(Happens::Command),
        4 => any::<usize>().prop_map(Happens::Acknowledge),
        2 => Just(Happens::Reconnect),
        1 => Just(Happens::TakeOver),
    ]
}

proptest! {
    #![proptest_config(cases(400))]

    /// Whatever is lost, doubled or late: every command is done once, in the order in which it was given, and when
    /// all has come through nothing waits.
    #[test]
    fn every_command_is_done_once(story in vec(happens(), 1..120)) {
        let mut outbox = Outbox::new(1);
        let mut terminal = Terminal::obeying(1);
        let (mut commands, mut acknowledgements): (Vec<Numbered>, Vec<Acknowledgement>) = Default::default();
        let mut given = 0u8;
        for event in story {
            match event {
                Happens::Give if given < 200 => {
                    given += 1;
                    commands.push(outbox.push(command(given)));
                }
                Happens::Give => {}
                Happens::Command(place) if !commands.is_empty() => {
                    let one = commands[place % commands.len()].clone();
                    acknowledgements.extend(terminal.receive(&one));
                }
                Happens::Acknowledge(place) if !acknowledgements.is_empty() => {
                    let one = &acknowledgements[place % acknowledgements.len()];
                    outbox.acknowledged(one.epoch, one.no);
                }
                Happens::Reconnect => commands.extend(outbox.after(terminal.inbox.mark()).unwrap()),
                Happens::TakeOver => {
                    outbox = outbox.clone().raised(outbox.epoch() + 1);
                    terminal.inbox.raise(outbox.epoch());
                }
                Happens::Command(_) | Happens::Acknowledge(_) => {}
            }
        }
        for one in outbox.after(terminal.inbox.mark()).unwrap() {
            let one = terminal.receive(&one).unwrap();
            let first = matches!(outbox.acknowledged(one.epoch, one.no), Settled::First { .. });
            prop_assert!(first);
        }
        prop_assert_eq!(outbox.waiting().count(), 0);
        let due: Vec<u8> = (1..=given).filter(|number| !number.is_multiple_of(3)).collect();
        prop_assert_eq!(terminal.done, due);
    }
}
