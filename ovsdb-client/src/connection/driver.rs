//! Who moves the connection on: the program, while it waits for an event, else a task in the background.
//!
//! ```text
//!   program ── waits ──► Attendance ──┐
//!                                     ├── polls ──► Task (the socket and the session)
//!   runtime ──────────── keeper ──────┘
//! ```
//!
//! While the program waits it polls the connection itself: what the server sends wakes the program, with no task in
//! between. The keeper takes over when the program does something else for a while, so that the server's probes are
//! answered and its updates are read; it knows nothing of what it moves.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;

/// For so long the program may be away before the keeper takes over: it mostly comes back at once.
const GRACE: Duration = Duration::from_millis(20);

/// What the program and the connection say to each other.
#[derive(Debug)]
pub(super) struct Mail<C, D>(Mutex<MailState<C, D>>);

#[derive(Debug)]
struct MailState<C, D> {
    commands: VecDeque<C>,
    deliveries: VecDeque<D>,
    /// Waits for commands.
    task: Option<Waker>,
    /// Waits for deliveries.
    program: Option<Waker>,
}

impl<C, D> Mail<C, D> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(MailState {
            commands: VecDeque::new(),
            deliveries: VecDeque::new(),
            task: None,
            program: None,
        }))
    }

    fn state(&self) -> MutexGuard<'_, MailState<C, D>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next command for the connection; while there is none, the one who polls is woken by the next.
    pub(super) fn poll_command(&self, context: &Context<'_>) -> Poll<C> {
        let mut state = self.state();
        match state.commands.pop_front() {
            Some(command) => Poll::Ready(command),
            None => {
                remember(&mut state.task, context);
                Poll::Pending
            }
        }
    }

    /// Something for the program.
    pub(super) fn deliver(&self, delivery: D) {
        self.state().deliveries.push_back(delivery);
    }

    fn take(&self) -> Option<D> {
        self.state().deliveries.pop_front()
    }

    fn wake_program(&self) {
        let waker = self.state().program.take();
        waker.into_iter().for_each(Waker::wake);
    }
}

fn remember(slot: &mut Option<Waker>, context: &Context<'_>) {
    match slot {
        Some(known) if known.will_wake(context.waker()) => {}
        _ => *slot = Some(context.waker().clone()),
    }
}

/// The program's end.
#[derive(Debug)]
pub(super) struct Driver<C, D> {
    shared: Arc<Shared<C, D>>,
    runtime: Handle,
}

struct Shared<C, D> {
    mail: Arc<Mail<C, D>>,
    /// The connection; none once it has ended.
    task: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    /// The program waits, and polls.
    attended: AtomicBool,
    /// The keeper knows that the program has left, and gives it time to come back.
    grace: AtomicBool,
    /// The program has left, or is gone.
    left: Notify,
    /// There is something to do that can not wait for the program to come back.
    urgent: Notify,
    /// The program is gone.
    gone: AtomicBool,
    /// The keeper is gone, with its runtime.
    unkept: AtomicBool,
}

impl<C, D> std::fmt::Debug for Shared<C, D> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Shared")
            .field("attended", &self.attended)
            .finish_non_exhaustive()
    }
}

/// How far one poll of the connection went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Polled {
    Waits,
    Ended,
    /// The other one is polling it just now.
    Busy,
}

impl<C: Send + 'static, D: Send + 'static> Driver<C, D> {
    /// Moves `task` on, in the current runtime.
    pub(super) fn start(
        mail: Arc<Mail<C, D>>,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            mail,
            task: Mutex::new(Some(Box::pin(task))),
            attended: AtomicBool::new(false),
            grace: AtomicBool::new(false),
            left: Notify::new(),
            urgent: Notify::new(),
            gone: AtomicBool::new(false),
            unkept: AtomicBool::new(false),
        });
        let runtime = Handle::current();
        runtime.spawn(keep(Kept(Arc::clone(&shared))));
        Self { shared, runtime }
    }

    /// Hands over a command, for when the program waits next.
    pub(super) fn command(&self, command: C) {
        self.shared.mail.state().commands.push_back(command);
    }

    /// Sees to it that the commands are carried out although the program may do something else.
    pub(super) fn urge(&self) {
        let waker = self.shared.mail.state().task.take();
        waker.into_iter().for_each(Waker::wake);
        self.shared.urgent.notify_one();
    }

    /// The next delivery; `None` when there will be none any more. Cancel-safe.
    pub(super) async fn delivery(&self) -> Option<D> {
        let shared = &*self.shared;
        if let Some(delivery) = shared.mail.take() {
            return Some(delivery);
        }
        let _attendance = Attendance::begin(shared);
        poll_fn(|context| {
            // Before anything is looked at: who puts something there later wakes us.
            remember(&mut shared.mail.state().program, context);
            let polled = {
                // Sockets and timers need it where the program itself runs elsewhere.
                let _runtime = self.runtime.enter();
                shared.poll(context)
            };
            match (shared.mail.take(), polled) {
                (Some(delivery), _) => Poll::Ready(Some(delivery)),
                (None, Polled::Ended) => Poll::Ready(None),
                (None, Polled::Waits | Polled::Busy) => Poll::Pending,
            }
        })
        .await
    }
}

impl<C, D> Drop for Driver<C, D> {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::SeqCst);
        self.shared.left.notify_one();
        // Who polls it just now is the keeper, and sees that the program is gone.
        if let Ok(mut task) = self.shared.task.try_lock() {
            *task = None;
        }
    }
}

/// The program waits.
struct Attendance<'s, C, D>(&'s Shared<C, D>);

impl<'s, C, D> Attendance<'s, C, D> {
    fn begin(shared: &'s Shared<C, D>) -> Self {
        shared.attended.store(true, Ordering::SeqCst);
        // Either the connection is found free, or the keeper that has it sees after its poll that somebody attends.
        fence(Ordering::SeqCst);
        Self(shared)
    }
}

impl<C, D> Drop for Attendance<'_, C, D> {
    fn drop(&mut self) {
        self.0.attended.store(false, Ordering::SeqCst);
        // Either this sees that the keeper's grace is over, or the keeper sees that nobody attends.
        if !self.0.grace.swap(true, Ordering::SeqCst) {
            self.0.left.notify_one();
        }
    }
}

impl<C, D> Shared<C, D> {
    /// Moves the connection on as far as it goes.
    fn poll(&self, context: &mut Context<'_>) -> Polled {
        let mut slot = match self.task.try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Polled::Busy,
        };
        if self.unkept.load(Ordering::SeqCst) {
            return Polled::Ended;
        }
        // Taken out: one that panics is not polled again.
        let Some(mut task) = slot.take() else {
            return Polled::Ended;
        };
        match task.as_mut().poll(context) {
            Poll::Ready(()) => Polled::Ended,
            Poll::Pending => {
                *slot = Some(task);
                Polled::Waits
            }
        }
    }
}

/// The keeper's hold on the connection.
struct Kept<C, D>(Arc<Shared<C, D>>);

impl<C, D> Drop for Kept<C, D> {
    fn drop(&mut self) {
        self.0.unkept.store(true, Ordering::SeqCst);
        self.0.mail.wake_program();
    }
}

async fn keep<C, D>(kept: Kept<C, D>) {
    let shared = &*kept.0;
    loop {
        let ended = {
            let mut left = pin!(shared.left.notified());
            poll_fn(|context| {
                if shared.gone.load(Ordering::SeqCst) {
                    return Poll::Ready(true);
                }
                if left.as_mut().poll(context).is_ready() {
                    return Poll::Ready(false);
                }
                if shared.attended.load(Ordering::SeqCst) {
                    return Poll::Pending;
                }
                let polled = shared.poll(context);
                fence(Ordering::SeqCst);
                if shared.attended.load(Ordering::SeqCst) {
                    // It may have found the connection busy, and is to take over.
                    shared.mail.wake_program();
                }
                match polled {
                    Polled::Ended => Poll::Ready(true),
                    Polled::Waits | Polled::Busy => Poll::Pending,
                }
            })
            .await
        };
        if ended {
            // It must not be polled from here on, nor outlive a program that is gone.
            let mut task = shared.task.lock().unwrap_or_else(PoisonError::into_inner);
            *task = None;
            return;
        }
        let grace = tokio::time::timeout(GRACE, shared.urgent.notified());
        // Over in either case.
        let _ = grace.await;
        shared.grace.store(false, Ordering::SeqCst);
    }
}
