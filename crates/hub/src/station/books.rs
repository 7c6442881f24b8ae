//! The sittings that are held here with their rosters, and the people whom they name. Rosters stay in memory.

use fengjuan_core::draw;
use fengjuan_core::event::Hash32;
use fengjuan_core::plan::{ExamMs, Role, Sitting, Staff};
use fengjuan_core::room::lease::AttemptId;
use fengjuan_core::roster::Candidate;
use fengjuan_device::papers::{HeldPapers, Papers};
use fengjuan_device::sync::ReceivedOrder;
use fengjuan_wire::order::OrderKind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Somebody on a roster.
pub(super) struct Entrant {
    pub candidate: Candidate,
    pub ticket: Hash32,
    pub attempt: AttemptId,
    pub class_name: String,
    pub questions: u32,
}

/// One held sitting.
pub(super) struct Book {
    pub held: Arc<HeldPapers>,
    pub people: Vec<Entrant>,
}

/// Everything that is held, in the newest versions, by start.
#[derive(Default)]
pub(super) struct Books {
    read_at: Option<(u64, usize)>,
    pub books: Vec<Arc<Book>>,
    pub orders: Arc<Vec<ReceivedOrder>>,
}

impl Book {
    fn read(papers: &Papers, held: Arc<HeldPapers>) -> Book {
        let sitting = &held.document.sitting;
        let classes = papers.roster(&held).unwrap_or_else(|error| {
            tracing::warn!(code = error.code(), "a roster cannot be read");
            Vec::new()
        });
        let entrant = |candidate: Candidate| {
            let class = sitting.class_group(&candidate.class_no)?;
            let (number, ticket_no) = (&sitting.sitting_no, &candidate.ticket_no);
            Some(Entrant {
                ticket: draw::ticket_hash(number, ticket_no),
                attempt: draw::attempt_id(number, ticket_no, class.attempt_no),
                class_name: class.name.clone(),
                questions: class.item_count(),
                candidate,
            })
        };
        let people = classes.into_iter().flat_map(|(_, people)| people);
        let people = people.filter_map(entrant).collect();
        Book { held, people }
    }

    pub fn sitting(&self) -> &Sitting {
        &self.held.document.sitting
    }

    pub fn number(&self) -> &str {
        &self.held.key.sitting_no
    }

    pub fn candidates(&self) -> u32 {
        u32::try_from(self.people.len()).unwrap_or(u32::MAX)
    }

    pub fn by_ticket(&self, ticket_no: &str) -> Option<&Entrant> {
        let it = |one: &&Entrant| one.candidate.ticket_no == ticket_no;
        self.people.iter().find(it)
    }

    pub fn by_hash(&self, ticket: &Hash32) -> Option<&Entrant> {
        self.people.iter().find(|one| one.ticket == *ticket)
    }

    /// The roster's own numbers, where it has one for everybody and none twice.
    pub fn roster_seats(&self) -> Option<BTreeMap<Hash32, u32>> {
        let seats = self
            .people
            .iter()
            .map(|one| (one.ticket, one.candidate.seat_no));
        let seats: BTreeMap<Hash32, u32> = seats.collect();
        let different: BTreeSet<u32> = seats.values().copied().collect();
        (different.len() == seats.len() && !different.contains(&0)).then_some(seats)
    }

    pub fn bytes(&self) -> u64 {
        let packages = self.held.packages.iter();
        packages.map(|package| package.bytes).sum()
    }
}

impl Books {
    /// Reads again what has changed. `revision` is that of the papers and of the orders.
    pub fn refresh(
        &mut self,
        papers: &Papers,
        revision: (u64, usize),
        orders: impl FnOnce() -> Vec<ReceivedOrder>,
    ) {
        let before = self.read_at.replace(revision);
        if before.is_none_or(|before| before.1 != revision.1) {
            self.orders = Arc::new(orders());
        }
        if before.is_some_and(|before| before.0 == revision.0) {
            return;
        }
        let mut held = papers.held();
        held.retain(|one| !one.superseded);
        held.sort_by_key(|one| one.document.sitting.start_ms);
        let known = std::mem::take(&mut self.books);
        let book = |held: Arc<HeldPapers>| {
            let same = |book: &&Arc<Book>| Arc::ptr_eq(&book.held, &held);
            let same = known.iter().find(same).cloned();
            same.unwrap_or_else(|| Arc::new(Book::read(papers, held)))
        };
        self.books = held.into_iter().map(book).collect();
    }

    pub fn of(&self, sitting_no: &str) -> Option<&Arc<Book>> {
        self.books.iter().find(|book| book.number() == sitting_no)
    }

    fn substitutes<'a, 's>(
        &'a self,
        sitting_no: &'s str,
    ) -> impl Iterator<Item = &'a Staff> + use<'a, 's> {
        self.orders
            .iter()
            .filter_map(move |received| match &received.order.kind {
                OrderKind::SubstituteStaff { staff } if received.order.sitting_no == sitting_no => {
                    Some(staff)
                }
                _ => None,
            })
    }

    /// A person of one sitting: whom it names, and whom the center sent instead.
    pub fn person_of(&self, sitting_no: &str, staff_id: &str) -> Option<&Staff> {
        let named = self.of(sitting_no)?.sitting().staff.iter();
        let mut everyone = named.chain(self.substitutes(sitting_no));
        everyone.find(|person| person.staff_id == staff_id)
    }

    /// A person of this sitting, else of any that is held.
    pub fn person(&self, sitting_no: Option<&str>, staff_id: &str) -> Option<&Staff> {
        let here = sitting_no.and_then(|number| self.person_of(number, staff_id));
        here.or_else(|| {
            let mut books = self.books.iter();
            books.find_map(|book| self.person_of(book.number(), staff_id))
        })
    }

    /// Everybody who may log in, once each, those of this sitting as it names them.
    pub fn everyone(&self, sitting_no: Option<&str>) -> Vec<&Staff> {
        let mut ids = BTreeSet::new();
        for book in &self.books {
            let number = book.number();
            let people = book.sitting().staff.iter().chain(self.substitutes(number));
            ids.extend(people.map(|person| person.staff_id.as_str()));
        }
        let people = ids
            .into_iter()
            .filter_map(|staff_id| self.person(sitting_no, staff_id));
        let mut people: Vec<&Staff> = people.collect();
        people.sort_by_key(|person| (place(person.role), person.staff_id.clone()));
        people
    }

    /// The sitting that is worked on: the one that was chosen, else the first that is not over by then, else the last.
    pub fn selected(
        &self,
        chosen: Option<&str>,
        over: impl Fn(&Book) -> bool,
    ) -> Option<&Arc<Book>> {
        let chosen = chosen.and_then(|number| self.of(number));
        chosen
            .or_else(|| self.books.iter().find(|book| !over(book)))
            .or_else(|| self.books.last())
    }
}

/// Planned start with postponements.
pub(super) fn planned_start(sitting: &Sitting, postponed_ms: i64) -> ExamMs {
    sitting.start_ms.saturating_add(postponed_ms)
}

/// Proctors first: they are most often who logs in.
fn place(role: Role) -> u8 {
    match role {
        Role::Proctor => 0,
        Role::ExamStaff => 1,
        Role::SiteHead => 2,
        Role::SystemAdministrator => 3,
        Role::Auditor => 4,
        Role::Inspector => 5,
    }
}
