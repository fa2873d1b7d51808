use std::time::Duration;

use imagefleet_engine::fake::{Fault, FaultyCall};
use imagefleet_model::{ErrorCode, Failure};

use crate::fleet::Fleet;
use crate::random::Random;

const CALLS: [FaultyCall; 13] = [
    FaultyCall::Any,
    FaultyCall::Info,
    FaultyCall::Images,
    FaultyCall::Pull,
    FaultyCall::Pull,
    FaultyCall::RemoveImage,
    FaultyCall::Save,
    FaultyCall::Load,
    FaultyCall::Containers,
    FaultyCall::ChangeContainer,
    FaultyCall::StartContainer,
    FaultyCall::Events,
    FaultyCall::Tag,
];

/// Lets something go wrong on one engine, the registry or with the clock, every other time.
pub fn maybe(fleet: &Fleet, random: &mut Random) {
    if random.one_in(2) {
        return;
    }
    if random.one_in(24) {
        return jump(fleet, random);
    }
    if random.one_in(16) {
        fleet.tally.fault("the registry refuses");
        let wait = Duration::from_millis(50 * random.below(4));
        let failure = Failure::passing(
            ErrorCode::RateLimited,
            "toomanyrequests: You have reached your pull rate limit.",
            wait,
        );
        return fleet.registry.refuse("team/", failure);
    }
    let (Some(server), Some(call)) = (random.of(&fleet.servers), random.of(&CALLS)) else {
        return;
    };
    let (name, fault) = fault(random);
    fleet.tally.fault(name);
    let times = usize::try_from(1 + random.below(4)).unwrap_or(1);
    server.engine.inject(*call, fault, Some(times));
    if random.one_in(10) {
        // Engines also come back.
        server.engine.heal();
    }
}

fn fault(random: &mut Random) -> (&'static str, Fault) {
    let status = |status, retry_after, message: &str| Fault::Status {
        status,
        retry_after,
        message: message.to_owned(),
    };
    let bytes = usize::try_from(random.below(60_000)).unwrap_or(0);
    match random.below(10) {
        0 => ("nobody listens", Fault::Offline),
        1 => ("hangs", Fault::Hang),
        2 => ("cut within the first bytes", Fault::CutAfter(bytes % 200)),
        3 => ("cut in the middle", Fault::CutAfter(bytes)),
        4 => ("500", status(500, None, "something of the engine broke")),
        5 => (
            "429 with Retry-After",
            status(
                429,
                Some(Duration::from_secs(random.below(2))),
                "too many requests",
            ),
        ),
        6 => ("garbage instead of JSON", Fault::Garbage),
        7 => ("half a line", Fault::HalfLine),
        8 => {
            let pause = Duration::from_millis(1 + random.below(40));
            (
                "slow drip",
                Fault::Drip {
                    bytes: 1 + bytes % 5_000,
                    pause,
                },
            )
        }
        _ => ("wrong API version", Fault::OldVersion),
    }
}

/// Clocks are put right by a little, and machines wake up after a night or a fortnight.
fn jump(fleet: &Fleet, random: &mut Random) {
    let clock = &fleet.app.at.clock;
    match random.below(4) {
        0 => {
            fleet.tally.fault("clock put back by seconds");
            clock.put_back(Duration::from_secs(1 + random.below(8)));
        }
        1 => {
            fleet.tally.fault("clock jumps by a minute");
            clock.advance(Duration::from_mins(1));
        }
        2 => {
            fleet.tally.fault("clock jumps by a night");
            clock.advance(Duration::from_hours(9));
        }
        _ => {
            fleet.tally.fault("clock jumps by a fortnight");
            clock.advance(Duration::from_hours(14 * 24));
        }
    }
}
