//! The rules told a second time, plainly: days are integers, a licence is a list of stretches. Written from the
//! documents alone, so that it can disagree with the code.

const DAY: i64 = 86_400;

/// Something done to a licence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Deed {
    Renew(u32),
    Change(&'static str),
    Withdraw,
    Cancel,
    Suspend,
    Reinstate { consume: bool },
    Revoke,
    Extend(u16),
    Release { by_support: bool },
}

/// What a plan's period is counted in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit {
    Days(i64),
    Months(i64),
    Forever,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Trial,
    Subscription,
    Perpetual,
}

#[derive(Debug, Clone, Copy)]
struct Sold {
    kind: Kind,
    unit: Unit,
    grace: i64,
    at_activation: bool,
    for_sale: bool,
    rank: u8,
}

fn sold(plan: &str) -> Sold {
    let subscription = |unit, grace, rank| Sold {
        kind: Kind::Subscription,
        unit,
        grace,
        at_activation: plan == "later",
        for_sale: plan != "old",
        rank,
    };
    match plan {
        "trial" => Sold { kind: Kind::Trial, at_activation: true, ..subscription(Unit::Days(30), 0, 0) },
        "weekly" => subscription(Unit::Days(7), 3, 1),
        "monthly" | "old" => subscription(Unit::Months(1), 14, 2),
        "sixty" => subscription(Unit::Days(60), 5, 3),
        "yearly" => subscription(Unit::Months(12), 14, 4),
        "later" => subscription(Unit::Months(12), 3, 4),
        _ => Sold { kind: Kind::Perpetual, ..subscription(Unit::Forever, 0, 5) },
    }
}

/// Paid time under one plan, through a last day.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    plan: &'static str,
    through: i64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Standing {
    Live,
    Suspended(i64),
    Revoked,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Pending {
    Nothing,
    Cancellation,
    Change(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Clock {
    Waiting,
    Counting { anchor: i64, months: i64 },
    Forever,
}

/// A licence as the documents tell it.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    standing: Standing,
    clock: Clock,
    /// The running one and at most one more, in order.
    stretches: Vec<Stretch>,
    pending: Pending,
    bound: Option<u8>,
    last_bound: Option<u8>,
    rebinds: Vec<i64>,
    bindings: Vec<i64>,
}

impl Model {
    pub(crate) fn issued(plan: &'static str, now: i64) -> Self {
        let mut model = Self {
            standing: Standing::Live,
            clock: Clock::Waiting,
            stretches: Vec::new(),
            pending: Pending::Nothing,
            bound: None,
            last_bound: None,
            rebinds: Vec::new(),
            bindings: Vec::new(),
        };
        model.start(plan, now / DAY, !sold(plan).at_activation);
        model
    }

    fn start(&mut self, plan: &'static str, anchor: i64, runs: bool) {
        let (clock, through) = match sold(plan).unit {
            Unit::Forever => (Clock::Forever, anchor),
            _ if !runs => (Clock::Waiting, anchor),
            Unit::Days(days) => (Clock::Counting { anchor, months: 0 }, anchor + days),
            Unit::Months(months) => (Clock::Counting { anchor, months }, plus_months(anchor, months)),
        };
        self.clock = clock;
        self.stretches = vec![Stretch { plan, through }];
    }

    fn last(&self) -> Stretch {
        *self.stretches.last().unwrap()
    }

    /// The last paid second, while the clock counts.
    pub(crate) fn paid_through(&self) -> Option<i64> {
        matches!(self.clock, Clock::Counting { .. }).then(|| (self.last().through + 1) * DAY - 1)
    }

    pub(crate) fn grace_until(&self) -> Option<i64> {
        let grace = if self.pending == Pending::Cancellation { 0 } else { sold(self.last().plan).grace };
        self.paid_through().map(|end| end + grace * DAY)
    }

    pub(crate) fn state(&self, now: i64) -> &'static str {
        match (self.standing, self.clock, self.paid_through(), self.grace_until()) {
            (Standing::Revoked, ..) => "revoked",
            (Standing::Suspended(_), ..) => "suspended",
            (_, Clock::Waiting, ..) => "available",
            (.., Some(grace)) if now > grace => "expired",
            (.., Some(end), _) if now > end => "past_due",
            _ if self.pending == Pending::Cancellation => "cancelled",
            _ => "active",
        }
    }

    /// The plan that counts at a time.
    pub(crate) fn plan(&self, now: i64) -> &'static str {
        let counts = self.stretches.iter().find(|stretch| now < (stretch.through + 1) * DAY);
        counts.unwrap_or(&self.last()).plan
    }

    pub(crate) fn bound(&self) -> Option<u8> {
        self.bound
    }

    pub(crate) fn runs(&self, now: i64) -> bool {
        matches!(self.state(now), "active" | "past_due" | "cancelled" | "available")
    }

    /// Whether the domain could be bound, and if so binds it.
    pub(crate) fn bind(&mut self, domain: u8, now: i64) -> &'static str {
        let moved = self.last_bound.is_some_and(|last| last != domain);
        let lately = |times: &[i64], since: i64| times.iter().filter(|at| **at > since).count();
        match self.bound {
            Some(bound) if bound == domain => return "Held",
            Some(_) => return "OverLimit",
            None if moved && lately(&self.rebinds, now - 365 * DAY) >= 3 => return "OverLimit",
            None if lately(&self.bindings, now / DAY * DAY - 1) >= 20 => return "TooOften",
            None => {}
        }
        if moved {
            self.rebinds.push(now);
        }
        self.bindings.push(now);
        (self.bound, self.last_bound) = (Some(domain), Some(domain));
        if self.clock == Clock::Waiting {
            self.start(self.last().plan, now / DAY, true);
        }
        if moved { "Rebind" } else { "Free" }
    }

    /// Does a deed, or tells that it is refused.
    pub(crate) fn attempt(&mut self, deed: Deed, now: i64) -> bool {
        if !self.allows(deed, now) {
            return false;
        }
        match deed {
            Deed::Renew(count) => self.renew(i64::from(count), now),
            Deed::Change(plan) if sold(plan).rank < sold(self.last().plan).rank => {
                self.pending = Pending::Change(plan);
            }
            Deed::Change(plan) => {
                let today = now / DAY;
                let kept = sold(self.last().plan).kind == Kind::Subscription && self.clock != Clock::Waiting;
                let anchor = if kept { today.max(self.last().through) } else { today };
                self.start(plan, anchor, self.clock != Clock::Waiting || !sold(plan).at_activation);
                self.pending = Pending::Nothing;
            }
            Deed::Withdraw => self.pending = Pending::Nothing,
            Deed::Cancel => self.pending = Pending::Cancellation,
            Deed::Suspend => self.standing = Standing::Suspended(now),
            Deed::Reinstate { consume } => {
                if let (Standing::Suspended(since), false) = (self.standing, consume) {
                    self.give_back((now - since) / DAY);
                }
                self.standing = Standing::Live;
            }
            Deed::Revoke => self.standing = Standing::Revoked,
            Deed::Extend(days) => self.stretches[0].through = self.last().through.max(now / DAY) + i64::from(days),
            Deed::Release { .. } => self.bound = None,
        }
        true
    }

    fn allows(&self, deed: Deed, now: i64) -> bool {
        let (state, last) = (self.state(now), sold(self.last().plan));
        let counts = matches!(self.clock, Clock::Counting { .. });
        let cancelled = self.pending == Pending::Cancellation;
        match (state, deed) {
            (_, Deed::Release { .. }) if self.bound.is_none() => true,
            ("revoked", _) => false,
            (_, Deed::Revoke) => true,
            ("suspended", Deed::Cancel) => counts && !cancelled,
            ("suspended", _) => matches!(deed, Deed::Reinstate { .. }),
            (_, Deed::Reinstate { .. }) => false,
            (_, Deed::Renew(count)) => count > 0 && counts && last.kind == Kind::Subscription,
            (_, Deed::Change(plan)) => {
                let (target, down) = (sold(plan), sold(plan).rank < last.rank);
                let changes = target.for_sale && plan != self.last().plan;
                changes
                    && target.kind != Kind::Trial
                    && last.kind != Kind::Perpetual
                    && !(down && cancelled && state == "expired")
            }
            (_, Deed::Withdraw) => match self.pending {
                Pending::Nothing => false,
                Pending::Cancellation => state != "expired",
                Pending::Change(_) => true,
            },
            (_, Deed::Cancel) => counts && !cancelled && state != "expired",
            (_, Deed::Extend(days)) => days > 0 && counts && last.kind == Kind::Trial,
            (_, Deed::Suspend | Deed::Release { .. }) => true,
        }
    }

    fn renew(&mut self, count: i64, now: i64) {
        let (today, old) = (now / DAY, self.last());
        let plan = if let Pending::Change(plan) = self.pending { plan } else { old.plan };
        let on_time = self.grace_until().is_some_and(|grace| now <= grace);
        let Clock::Counting { mut anchor, mut months } = self.clock else { return };
        let mut through = old.through;
        let days = |plan| matches!(sold(plan).unit, Unit::Days(_));
        if !on_time {
            (anchor, months, through) = (today, 0, today);
        } else if days(plan) != days(old.plan) {
            (anchor, months) = (through, 0);
        }
        match sold(plan).unit {
            Unit::Days(length) => through += length * count,
            Unit::Months(length) => {
                months += length * count;
                through = plus_months(anchor, months);
            }
            Unit::Forever => {}
        }
        self.clock = Clock::Counting { anchor, months };
        if self.stretches.len() == 2 && (self.stretches[0].through + 1) * DAY <= now {
            self.stretches.remove(0);
        }
        let paid = Stretch { plan, through };
        if on_time && plan != old.plan && self.stretches.len() == 1 && now < (old.through + 1) * DAY {
            self.stretches.push(paid);
        } else {
            *self.stretches.last_mut().unwrap() = paid;
        }
        self.pending = Pending::Nothing;
    }

    fn give_back(&mut self, days: i64) {
        if days > 0 && matches!(self.clock, Clock::Counting { .. }) {
            self.stretches.iter_mut().for_each(|stretch| stretch.through += days);
            self.clock = Clock::Counting { anchor: self.last().through, months: 0 };
        }
    }
}

/// The day so many months after another, or the last one of a month that lacks it.
fn plus_months(day: i64, months: i64) -> i64 {
    let (year, month, of_month) = date(day);
    let total = year * 12 + (month - 1) + months;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
    let length = first_of(year + month / 12, month % 12 + 1) - first_of(year, month);
    first_of(year, month) + of_month.min(length) - 1
}

/// The first of a month, in days since 1970.
fn first_of(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = year - 1;
    let years = before * 365 + before / 4 - before / 100 + before / 400 - 719_162;
    years + lengths.iter().zip(1..month).map(|(length, _)| length).sum::<i64>()
}

/// Year, month and day of the month, looked for the slow way.
fn date(day: i64) -> (i64, i64, i64) {
    let mut year = 1970 + day / 366;
    while first_of(year + 1, 1) <= day {
        year += 1;
    }
    let mut month = 12;
    while first_of(year, month) > day {
        month -= 1;
    }
    (year, month, day - first_of(year, month) + 1)
}

#[test]
fn the_models_own_calendar() {
    assert_eq!((first_of(1970, 1), first_of(2000, 3), first_of(2027, 1)), (0, 11_017, 20_819));
    assert_eq!((date(0), date(11_016), date(20_818)), ((1970, 1, 1), (2000, 2, 29), (2026, 12, 31)));
    let january = first_of(2027, 1) + 30;
    let ends: Vec<_> = (1..4).map(|months| date(plus_months(january, months))).collect();
    assert_eq!(ends, [(2027, 2, 28), (2027, 3, 31), (2027, 4, 30)]);
}
