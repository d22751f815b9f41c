//! Calendar quotas.

use std::{
    future,
    pin::pin,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use shield_types::Timestamp;

use crate::{
    AccountId, StoreError,
    limit::{
        Quota, QuotaCharge, QuotaGrant, QuotaPeriod, QuotaRefusal, QuotaStore, QuotaUse, QuotaWindow, Tier,
    },
};

/// One window's count; `None` is a store that is away.
struct Memory(Mutex<Option<(Timestamp, u32)>>);

impl QuotaStore for Memory {
    fn add(&self, charge: QuotaCharge<'_>) -> impl Future<Output = Result<Option<u32>, StoreError>> + Send {
        let mut count = self.0.lock().unwrap();
        future::ready(match count.as_mut() {
            None => Err(StoreError::away("quotas", "connection refused")),
            Some((start, used)) => {
                if *start != charge.window.start {
                    (*start, *used) = (charge.window.start, 0);
                }
                let sum = *used + charge.cost;
                Ok((sum <= charge.units).then(|| {
                    *used = sum;
                    sum
                }))
            }
        })
    }
}

fn take(
    memory: &Memory,
    quota: Quota,
    cost: u32,
    now: Timestamp,
) -> Result<Result<QuotaGrant, QuotaRefusal>, StoreError> {
    let account = AccountId::new(Timestamp(0), [1; 10]);
    let wanted = QuotaUse { account, feature: "checks", period: QuotaPeriod::Day, cost };
    let future = pin!(quota.take(memory, wanted, now));
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("memory never waits"),
    }
}

fn moment(text: &str) -> Timestamp {
    let moment: jiff::Timestamp = text.parse().unwrap();
    Timestamp(moment.as_millisecond().try_into().unwrap())
}

#[test]
fn days_end_at_midnight() {
    let memory = Memory(Mutex::new(Some((Timestamp(0), 0))));
    let quota = Tier::Free.quotas().checks_per_day;
    let evening = moment("2028-02-29T23:59:58.500Z");
    assert_eq!(take(&memory, quota, 30, evening).unwrap(), Ok(QuotaGrant::Taken { remaining: 0 }));
    let until = moment("2028-03-01T00:00:00Z");
    let refusal = QuotaRefusal::UsedUp { until, retry_after_seconds: 2, remaining: 0 };
    assert_eq!(take(&memory, quota, 1, evening).unwrap(), Err(refusal));
    assert_eq!(take(&memory, quota, 1, until).unwrap(), Ok(QuotaGrant::Taken { remaining: 29 }));
}

#[test]
fn refusals_tell_what_is_left() {
    let memory = Memory(Mutex::new(Some((Timestamp(0), 0))));
    let (quota, evening) = (Quota::Units(50), moment("2028-02-29T23:59:58.500Z"));
    assert_eq!(take(&memory, quota, 40, evening).unwrap(), Ok(QuotaGrant::Taken { remaining: 10 }));
    let until = moment("2028-03-01T00:00:00Z");
    let refusal = QuotaRefusal::UsedUp { until, retry_after_seconds: 2, remaining: 10 };
    assert_eq!(take(&memory, quota, 11, evening).unwrap(), Err(refusal));
    assert_eq!(take(&memory, quota, 10, evening).unwrap(), Ok(QuotaGrant::Taken { remaining: 0 }));
}

#[test]
fn months_end_on_the_first() {
    let window = QuotaWindow::at(QuotaPeriod::Month, moment("2027-12-31T23:59:59.999Z"));
    assert_eq!((window.start, window.end), (moment("2027-12-01T00:00:00Z"), moment("2028-01-01T00:00:00Z")));
    assert_eq!(window.seconds_left(moment("2027-12-31T23:59:59.999Z")), 1);
    let last = QuotaWindow::at(QuotaPeriod::Month, Timestamp(u64::MAX));
    assert!(last.start < last.end, "{last:?}");
}

#[test]
fn hours_end_on_the_hour() {
    let late = moment("2028-02-29T23:59:59.999Z");
    let window = QuotaWindow::at(QuotaPeriod::Hour, late);
    assert_eq!((window.start, window.end), (moment("2028-02-29T23:00:00Z"), moment("2028-03-01T00:00:00Z")));
    assert_eq!(window.seconds_left(late), 1);
    assert_eq!(QuotaWindow::at(QuotaPeriod::Hour, window.end).start, window.end);
    let last = QuotaWindow::at(QuotaPeriod::Hour, Timestamp(u64::MAX));
    assert!(last.start < last.end, "{last:?}");
}

#[test]
fn missing_features_are_told_apart() {
    let memory = Memory(Mutex::new(Some((Timestamp(0), 0))));
    let now = moment("2028-02-29T12:00:00Z");
    let bulk = |tier: Tier| take(&memory, tier.quotas().bulk_requests_per_day, 1, now).unwrap();
    assert_eq!(bulk(Tier::Free), Err(QuotaRefusal::NotIncluded));
    assert_eq!(bulk(Tier::Creator), Ok(QuotaGrant::Taken { remaining: 9 }));
    assert_eq!(bulk(Tier::Enterprise), Ok(QuotaGrant::Unlimited));
    assert_eq!(take(&memory, Quota::Units(5), 6, now).unwrap(), Err(QuotaRefusal::TooCostly));
}

#[test]
fn asvs_v16_5_3_grants_nothing_unknown() {
    assert!(take(&Memory(Mutex::new(None)), Quota::Units(5), 1, Timestamp(0)).is_err());
}
