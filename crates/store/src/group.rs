//! The one writer of a database: a thread that drains its queue into one transaction and answers after `COMMIT`.

use crate::error::StoreError;
use std::sync::mpsc;
use std::thread::JoinHandle;

/// How much work at most shares one transaction: enough for a burst, little enough that none waits long.
const GROUP: usize = 256;

/// A request's own outcome inside a transaction that goes on.
pub(crate) type Answer<D> = Result<D, StoreError>;

type Reply<D> = Box<dyn FnOnce(Answer<D>) + Send>;

/// What the writer thread does with its requests.
pub(crate) trait Engine: Send + 'static {
    type Job: Send + 'static;
    /// What was made durable.
    type Done: Send + 'static;

    /// Makes the group durable in one transaction, with an answer for each job. The outer error says that nothing of
    /// the group may be acknowledged; an inner one refuses its job alone, with nothing of it written.
    fn transact(&mut self, group: &[Self::Job]) -> Result<Vec<Answer<Self::Done>>, StoreError>;

    /// How much of a group's room a job takes.
    fn weight(_job: &Self::Job) -> usize {
        1
    }
}

enum Message<E: Engine> {
    Do(E::Job, Reply<E::Done>),
    Stop,
}

/// A handle on the writer thread; clones share it.
pub(crate) struct Queue<E: Engine>(mpsc::Sender<Message<E>>);

impl<E: Engine> Clone for Queue<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E: Engine> Queue<E> {
    /// Waits until the job is durable or refused.
    pub(crate) fn ask(&self, job: E::Job) -> Answer<E::Done> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.send(job, Box::new(move |done| drop(reply.send(done))))?;
        answer.recv().map_err(|_| StoreError::Closed)?
    }

    /// Queues the job at once, in the order of the calls, and gives a future of its answer.
    pub(crate) fn ask_async(
        &self,
        job: E::Job,
    ) -> impl Future<Output = Answer<E::Done>> + Send + 'static + use<E> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let sent = self.send(job, Box::new(move |done| drop(reply.send(done))));
        async move {
            sent?;
            answer.await.map_err(|_| StoreError::Closed)?
        }
    }

    /// What was queued before is still answered.
    pub(crate) fn stop(&self) {
        // A writer that has stopped already is what was wanted.
        let _ = self.0.send(Message::Stop);
    }

    fn send(&self, job: E::Job, reply: Reply<E::Done>) -> Result<(), StoreError> {
        self.0
            .send(Message::Do(job, reply))
            .map_err(|_| StoreError::Closed)
    }
}

/// Starts the thread of `engine`.
pub(crate) fn start<E: Engine>(
    mut engine: E,
    name: &str,
) -> Result<(Queue<E>, JoinHandle<()>), StoreError> {
    let (queue, messages) = mpsc::channel::<Message<E>>();
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let mut stopped = false;
            while !stopped && let Ok(first) = messages.recv() {
                let (mut jobs, mut replies, mut weight) = (Vec::new(), Vec::new(), 0);
                let mut next = Some(first);
                while let Some(message) = next.take() {
                    let Message::Do(job, reply) = message else {
                        stopped = true;
                        break;
                    };
                    weight += E::weight(&job);
                    jobs.push(job);
                    replies.push(reply);
                    if weight < GROUP {
                        next = messages.try_recv().ok();
                    }
                }
                if !jobs.is_empty() {
                    commit(&mut engine, &jobs, replies);
                }
            }
        })?;
    Ok((Queue(queue), thread))
}

/// Answers each request after the group's `COMMIT`. Where the group fails as a whole, each request is tried alone, so
/// that a large one does not take the small ones with it.
fn commit<E: Engine>(engine: &mut E, jobs: &[E::Job], replies: Vec<Reply<E::Done>>) {
    match engine.transact(jobs) {
        Ok(answers) => {
            for (reply, answer) in replies.into_iter().zip(answers) {
                reply(answer);
            }
        }
        Err(error) if jobs.len() == 1 => {
            for reply in replies {
                reply(Err(error.clone()));
            }
        }
        Err(_) => {
            for (job, reply) in jobs.iter().zip(replies) {
                let answers = engine.transact(std::slice::from_ref(job));
                reply(
                    answers
                        .and_then(|mut answers| answers.pop().unwrap_or(Err(StoreError::Closed))),
                );
            }
        }
    }
}
