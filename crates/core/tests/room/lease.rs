use super::{cases, device, ledger};
use fengjuan_core::room::fence::{Fence, Fenced};
use fengjuan_core::room::lease::{
    CarryPoint, Claim, Counted, LEASES_OF_AN_EPOCH, LeaseBook, LeaseCause, LeaseChain, LeaseError,
    LeaseGiven, Replica,
};
use proptest::collection::vec;
use proptest::prelude::*;

const ATTEMPT: [u8; 16] = [7; 16];

fn replica(number: u8, size: u64) -> Replica {
    Replica {
        ledger_id: ledger(number),
        size,
    }
}

fn book() -> LeaseBook {
    let mut book = LeaseBook::default();
    let first = book.first(ATTEMPT, device(1), ledger(1), 1).unwrap();
    book.add(first).unwrap();
    book
}

fn swapped(book: &mut LeaseBook, from: Replica, to: u8) {
    let next = book
        .swap(ATTEMPT, from, device(to), ledger(to), 1, 0)
        .unwrap();
    book.add(next).unwrap();
}

/// The number of the n-th lease, all given in the first epoch.
fn nth(n: u64) -> u64 {
    if n == 1 {
        1
    } else {
        LEASES_OF_AN_EPOCH + n - 1
    }
}

fn counts(book: &LeaseBook, n: u64, number: u8, seq: u64) -> Counted {
    let lease = nth(n);
    book.chain(&ATTEMPT)
        .unwrap()
        .counts(lease, &ledger(number), seq)
}

#[test]
fn the_first_to_identify_holds_the_attempt() {
    let book = book();
    assert_eq!(
        book.claim(&ATTEMPT, &device(1), &ledger(1)),
        Claim::Holder { lease: 1 }
    );
    let held = Claim::Held {
        lease: 1,
        holder: device(1),
    };
    assert_eq!(book.claim(&ATTEMPT, &device(2), &ledger(2)), held);
    // The same machine with another database is another claimant.
    assert_eq!(book.claim(&ATTEMPT, &device(1), &ledger(9)), held);
    assert_eq!(book.claim(&[8; 16], &device(2), &ledger(2)), Claim::Free);
    assert_eq!(
        book.first(ATTEMPT, device(2), ledger(2), 1),
        Err(LeaseError::HoldsAlready)
    );
    assert_eq!(counts(&book, 1, 1, 99), Counted::Answer);
    assert_eq!(counts(&book, 1, 2, 0), Counted::Evidence);
}

#[test]
fn after_a_swap_what_was_not_here_is_evidence() {
    let mut book = book();
    swapped(&mut book, replica(1, 40), 2);
    assert_eq!(counts(&book, 1, 1, 39), Counted::Answer);
    assert_eq!(counts(&book, 1, 1, 40), Counted::Evidence);
    assert_eq!(counts(&book, 2, 2, 500), Counted::Answer);
    // Back to the first machine by a second swap: what it held back the first time stays evidence.
    swapped(&mut book, replica(2, 20), 1);
    assert_eq!(counts(&book, 1, 1, 40), Counted::Evidence);
    assert_eq!(counts(&book, 2, 2, 19), Counted::Answer);
    assert_eq!(counts(&book, 2, 2, 20), Counted::Evidence);
    assert_eq!(counts(&book, 3, 1, 70), Counted::Answer);
}

#[test]
fn a_wrong_swap_has_a_way_back_that_loses_nothing() {
    let mut book = book();
    let too_early = book.way_back(ATTEMPT, false, 1, 0);
    assert_eq!(too_early, Err(LeaseError::NoWayBack));
    swapped(&mut book, replica(1, 40), 2);
    let answered = book.way_back(ATTEMPT, true, 1, 0);
    assert_eq!(answered, Err(LeaseError::SpareHasAnswers));
    let back = book.way_back(ATTEMPT, false, 1, 0).unwrap();
    assert_eq!((back.lease, back.cause), (nth(3), LeaseCause::WayBack));
    assert_eq!(back.device, device(1));
    book.add(back).unwrap();
    assert_eq!(counts(&book, 1, 1, 60), Counted::Answer);
    assert_eq!(counts(&book, 2, 2, 0), Counted::Evidence);
    assert_eq!(counts(&book, 3, 1, 61), Counted::Answer);
    // Should that machine die now after all, only what is here of it goes on.
    swapped(&mut book, replica(1, 50), 3);
    assert_eq!(counts(&book, 1, 1, 49), Counted::Answer);
    assert_eq!(counts(&book, 1, 1, 50), Counted::Evidence);
    assert_eq!(counts(&book, 3, 1, 61), Counted::Evidence);
}

#[test]
fn a_chain_takes_nothing_that_does_not_fit() {
    let mut book = book();
    let mut next = book
        .swap(ATTEMPT, replica(1, 40), device(2), ledger(2), 1, 0)
        .unwrap();
    next.lease = 1;
    let out_of_order = LeaseError::OutOfOrder { lease: 1, last: 1 };
    assert_eq!(book.add(next.clone()), Err(out_of_order));
    next.lease = nth(2);
    next.carry[0].ledger_id = ledger(5);
    // (Where there is only a first claim, a lease given elsewhere stands above it.)
    swapped(&mut book, replica(1, 40), 2);
    next.lease = nth(3);
    assert_eq!(book.add(next.clone()), Err(LeaseError::CarryMalformed));
    next.carry.clear();
    assert_eq!(book.add(next), Err(LeaseError::CarryMalformed));
}

/// Two stations, each unheard by the other, swap to different machines.
#[test]
fn the_higher_epoch_decides_between_two_stations() {
    let book = book();
    let first = book.last(&ATTEMPT).unwrap().clone();
    let old = book
        .swap(ATTEMPT, replica(1, 40), device(2), ledger(2), 1, 0)
        .unwrap();
    let after_old = LeaseGiven {
        lease: nth(3),
        device: device(4),
        ledger_id: ledger(4),
        carry: vec![
            old.carry[0],
            CarryPoint {
                lease: nth(2),
                ledger_id: ledger(2),
                size: 9,
            },
        ],
        ..old.clone()
    };
    let new = book
        .swap(ATTEMPT, replica(1, 38), device(3), ledger(3), 2, 0)
        .unwrap();
    for order in [
        vec![first.clone(), old.clone(), after_old.clone(), new.clone()],
        vec![new.clone(), after_old.clone(), old.clone(), first.clone()],
    ] {
        let chain = LeaseChain::of(order);
        assert_eq!(chain.given(), [first.clone(), new.clone()]);
        assert_eq!(chain.counts(old.lease, &ledger(2), 0), Counted::Evidence);
        assert_eq!(chain.counts(1, &ledger(1), 38), Counted::Evidence);
        assert_eq!(chain.counts(new.lease, &ledger(3), 5), Counted::Answer);
    }
}

#[test]
fn a_fenced_terminal_writes_no_more() {
    let mut fence = Fence::default();
    assert_eq!(fence.may_write(), Err(Fenced::NoLease));
    fence.identified();
    assert_eq!(fence.may_write(), Ok(1));
    // It lost the race for the seat: the same number, held by another.
    fence.fence(1);
    assert_eq!(fence.may_write(), Err(Fenced::Elsewhere { lease: 1 }));
    fence.identified();
    assert!(fence.may_write().is_err());
    assert!(!fence.may_take(1));
    fence.take(2);
    assert_eq!(fence.may_write(), Ok(2));
    // A fence of before the swap comes late.
    assert!(!fence.may_fence(1));
    fence.fence(1);
    assert_eq!(fence.may_write(), Ok(2));
    fence.fence(3);
    assert_eq!(fence.may_write(), Err(Fenced::Elsewhere { lease: 3 }));
    assert!(!fence.may_take(3));
    fence.take(4);
    assert_eq!(fence.may_write(), Ok(4));
}

proptest! {
    #![proptest_config(cases(400))]

    /// Over any swaps: of one ledger's entries under one lease a first stretch counts and the rest does not, a later
    /// swap never makes an answer of what was evidence, and takes none away but from the machine that is left.
    #[test]
    fn swaps_only_ever_cut(story in vec((2u8..6, 0u64..100), 1..8)) {
        let mut book = book();
        for (to, size) in story {
            let last = book.last(&ATTEMPT).unwrap().clone();
            if last.device == device(to) {
                continue;
            }
            let chain = book.chain(&ATTEMPT).unwrap().clone();
            let from = Replica { ledger_id: last.ledger_id, size };
            let next = book.swap(ATTEMPT, from, device(to), ledger(to), 1, 0).unwrap();
            book.add(next).unwrap();
            let after = book.chain(&ATTEMPT).unwrap();
            for lease in chain.given().iter().map(|one| one.lease) {
                for number in 1..6 {
                    let stretch: Vec<bool> = (0..100)
                        .map(|seq| after.counts(lease, &ledger(number), seq) == Counted::Answer)
                        .collect();
                    prop_assert!(stretch.windows(2).all(|pair| pair[0] || !pair[1]));
                    for (seq, counted) in (0u64..).zip(&stretch) {
                        let before = chain.counts(lease, &ledger(number), seq) == Counted::Answer;
                        prop_assert!(before || !counted);
                        prop_assert!(lease == last.lease || before == *counted);
                    }
                }
            }
        }
    }
}

#[test]
fn a_lease_learned_from_a_terminal_may_name_ones_unheard() {
    let mut book = book();
    let learned = LeaseGiven {
        lease: nth(3),
        device: device(5),
        ledger_id: ledger(5),
        carry: vec![
            CarryPoint {
                lease: 1,
                ledger_id: ledger(1),
                size: 40,
            },
            CarryPoint {
                lease: nth(2),
                ledger_id: ledger(6),
                size: 7,
            },
        ],
        cause: LeaseCause::Learned,
        ..book.last(&ATTEMPT).unwrap().clone()
    };
    book.add(learned.clone()).unwrap();
    assert_eq!(counts(&book, 2, 6, 6), Counted::Answer);
    assert_eq!(counts(&book, 2, 6, 7), Counted::Evidence);
    swapped(&mut book, replica(5, 9), 2);
    assert_eq!(counts(&book, 2, 6, 6), Counted::Answer);
    // Another terminal claimed the attempt first; a lease that somebody decided on stands above that.
    let mut claimed = LeaseBook::default();
    let first = claimed.first(ATTEMPT, device(5), ledger(5), 2).unwrap();
    claimed.add(first.clone()).unwrap();
    claimed.add(learned.clone()).unwrap();
    assert_eq!(counts(&claimed, 1, 1, 39), Counted::Answer);
    assert_eq!(counts(&claimed, 1, 5, 0), Counted::Evidence);
    let later = LeaseGiven {
        epoch: 2,
        ..learned
    };
    let chain = LeaseChain::of(vec![later.clone(), first]);
    assert_eq!(chain.given(), [later]);
}
