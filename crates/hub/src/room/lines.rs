//! The open channels: for each terminal one bounded queue of what it is to be sent. Nothing here is durable; what must
//! arrive is in the station's outboxes and is sent again at the next connection.

use super::lock;
use fengjuan_core::room::Device;
use fengjuan_core::room::post::Numbered;
use fengjuan_device::papers::SittingKey;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

/// What waits for a terminal that does not take it. One that falls further behind is disconnected.
const LONGEST_QUEUE: usize = 512;

/// What is to be sent to one terminal.
#[derive(Clone, Debug)]
pub enum Outgoing {
    Command(Box<Numbered>),
    /// The keys of a sitting that was unlocked here.
    Keys(SittingKey),
    /// Something new is offered.
    Look,
}

/// All open channels. Clones share them.
#[derive(Clone, Default)]
pub struct Lines {
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    given: u64,
    queues: BTreeMap<Device, (u64, mpsc::Sender<Outgoing>)>,
}

/// One terminal's end: what to send to it. Closed when the queue gives nothing more: another connection of the same
/// terminal has taken its place, or the hub wants it to connect again.
pub struct Line {
    device: Device,
    number: u64,
    queue: mpsc::Receiver<Outgoing>,
    lines: Lines,
}

impl Lines {
    /// A terminal has connected; an earlier connection of it is closed.
    pub fn connect(&self, device: Device) -> Line {
        let (sender, queue) = mpsc::channel(LONGEST_QUEUE);
        let mut open = lock(&self.open);
        open.given += 1;
        let number = open.given;
        open.queues.insert(device, (number, sender));
        Line {
            device,
            number,
            queue,
            lines: self.clone(),
        }
    }

    /// Queues it, where the terminal is connected. One that has not taken hundreds before is disconnected.
    pub fn send(&self, device: &Device, what: Outgoing) {
        let mut open = lock(&self.open);
        let full = |(_, queue): &(u64, mpsc::Sender<Outgoing>)| queue.try_send(what).is_err();
        if open.queues.get(device).is_some_and(full) {
            open.queues.remove(device);
        }
    }

    /// The same to everybody.
    pub fn send_all(&self, what: &Outgoing) {
        lock(&self.open)
            .queues
            .retain(|_, (_, queue)| queue.try_send(what.clone()).is_ok());
    }

    /// Who is connected.
    pub fn connected(&self) -> Vec<Device> {
        lock(&self.open).queues.keys().copied().collect()
    }

    pub fn is_connected(&self, device: &Device) -> bool {
        lock(&self.open).queues.contains_key(device)
    }

    /// Ends a terminal's connection after what is queued.
    pub fn close(&self, device: &Device) {
        lock(&self.open).queues.remove(device);
    }

    pub fn close_all(&self) {
        lock(&self.open).queues.clear();
    }
}

impl Line {
    /// The next thing to send; none where the connection is to end.
    pub async fn next(&mut self) -> Option<Outgoing> {
        self.queue.recv().await
    }

    /// As [`Line::next`], without waiting; for tests and for what is there already.
    pub fn try_next(&mut self) -> Option<Outgoing> {
        self.queue.try_recv().ok()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut open = lock(&self.lines.open);
        if open
            .queues
            .get(&self.device)
            .is_some_and(|(number, _)| *number == self.number)
        {
            open.queues.remove(&self.device);
        }
    }
}
