//! Which program watches which server. Each server is watched by one; when that one dies, its lease ends and another
//! takes over.

use imagefleet_model::ServerId;
use sea_orm::FromQueryResult;

use crate::operations::take_turn;
use crate::{Result, Store, sql};

/// A server that this program watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// The server.
    pub server_id: ServerId,
    /// Changes whenever the way to the server changes: a watcher made for another generation has to begin anew.
    pub generation: i64,
}

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    generation: i64,
}

/// The servers that `worker` ($1) is to watch at the moment $2: those it has, and of the others as many as its share ($3)
/// leaves room for, first what nobody watches and then what another watches beyond its own share. It is taken from that
/// one while it still watches, so that nothing goes unseen in between. `{alone}` says that no other program can be alive.
const MINE: &str = "
    SELECT id FROM (
        SELECT id, standing, ROW_NUMBER() OVER (ORDER BY standing, id) AS number FROM (
            SELECT id,
                CASE WHEN watch_owner = $1 THEN 0
                    WHEN watch_owner IS NULL OR watch_until < $2 OR {alone} THEN 1 ELSE 2 END AS standing,
                ROW_NUMBER() OVER (PARTITION BY watch_owner ORDER BY id) AS number
            FROM servers WHERE enabled = TRUE) AS every
        WHERE standing < 2 OR number > $3) AS open
    WHERE standing = 0 OR number <= $3";

impl Store {
    /// Takes as many of the enabled servers as is this program's share among those that live, renews what `worker` watches,
    /// and returns all of its servers.
    pub async fn claim_watches(&self, worker: &str, lease_ms: i64) -> Result<Vec<Watch>> {
        let alone = if self.is_sqlite() { "TRUE" } else { "FALSE" };
        let claim = format!(
            "UPDATE servers SET watch_owner = $1, watch_until = $4 WHERE id IN ({}) RETURNING id, generation",
            MINE.replace("{alone}", alone)
        );
        let rows: Vec<Row> = self
            .write(async |tx| {
                // Two programs that count at once would both take what is free.
                take_turn(tx).await?;
                let now = self.lease_now(tx).await?;
                sql::run(
                    tx,
                    &format!("DELETE FROM programs WHERE worker <> $1 AND (until < $2 OR {alone})"),
                    vec![worker.into(), now.into()],
                )
                .await?;
                sql::run(
                    tx,
                    "INSERT INTO programs (worker, until) VALUES ($1, $2)
                     ON CONFLICT (worker) DO UPDATE SET until = excluded.until",
                    vec![worker.into(), (now + lease_ms).into()],
                )
                .await?;
                let programs = sql::number(tx, "SELECT COUNT(*) FROM programs", vec![]).await?;
                let servers = "SELECT COUNT(*) FROM servers WHERE enabled = TRUE";
                let servers = sql::number(tx, servers, vec![]).await?;
                let share = (servers + programs - 1) / programs.max(1);
                let values = vec![worker.into(), now.into(), share.into(), (now + lease_ms).into()];
                sql::all(tx, &claim, values).await
            })
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| Watch {
                server_id: row.id,
                generation: row.generation,
            })
            .collect())
    }

    /// Whether no program that lives comes before `worker`: for what one of them has to do.
    pub(crate) async fn is_first(&self, worker: &str) -> Result<bool> {
        let now = self.lease_now(&self.db).await?;
        let before = "SELECT COUNT(*) FROM programs WHERE worker < $1 AND until >= $2";
        Ok(sql::number(&self.db, before, vec![worker.into(), now.into()]).await? == 0)
    }

    /// Gives back what `worker` watches and its share with it, so that others can take it at once.
    pub async fn release_watches(&self, worker: &str) -> Result<()> {
        self.write(async |tx| {
            take_turn(tx).await?;
            sql::run(
                tx,
                "UPDATE servers SET watch_owner = NULL, watch_until = NULL WHERE watch_owner = $1",
                vec![worker.into()],
            )
            .await?;
            sql::run(tx, "DELETE FROM programs WHERE worker = $1", vec![worker.into()]).await
        })
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::Duration;

    use imagefleet_model::{Clock as _, ManualClock, ServerId};

    use crate::LeaseClock;
    use crate::inventory::tests::add_server;
    use crate::testing::{self, TestStore};

    const LEASE_MS: i64 = 20_000;

    async fn servers(at: &TestStore, count: usize) -> BTreeSet<ServerId> {
        let mut ids = BTreeSet::new();
        for number in 0..count {
            ids.insert(add_server(&at.store, &format!("s{number}")).await);
        }
        ids
    }

    async fn claims(at: &TestStore, worker: &str) -> BTreeSet<ServerId> {
        let watches = at.store.claim_watches(worker, LEASE_MS).await.expect("claimed");
        watches.into_iter().map(|watch| watch.server_id).collect()
    }

    #[tokio::test]
    async fn one_program_is_the_first_until_it_dies() {
        let Some(at) = testing::shared().await else { return };
        let first = async |worker: &str| at.store.is_first(worker).await.expect("read");
        assert!(first("b").await, "nobody else is there");
        claims(&at, "a").await;
        claims(&at, "b").await;
        assert!(first("a").await && !first("b").await);
        at.pass(21);
        assert!(first("b").await);
    }

    #[tokio::test]
    async fn programs_share_the_watching_and_a_dead_ones_part_goes_to_the_others() {
        let Some(at) = testing::shared().await else { return };
        let all = servers(&at, 7).await;
        assert_eq!(claims(&at, "a").await, all, "it is alone");

        let b = claims(&at, "b").await;
        assert_eq!(b.len(), 3, "what the other has beyond its share of four");
        let a = claims(&at, "a").await;
        assert!(a.is_disjoint(&b) && a.len() == 4, "{a:?} {b:?}");
        assert_eq!((claims(&at, "a").await, claims(&at, "b").await), (a.clone(), b));

        let c = claims(&at, "c").await;
        assert!(!c.is_empty(), "a third one has its part");
        let (a, b) = (claims(&at, "a").await, claims(&at, "b").await);
        assert_eq!(&(&a | &b) | &c, all, "nobody is left out");
        assert_eq!(a.len() + b.len() + c.len(), 7, "and nobody watched twice");

        // It dies; the others take its part when its lease is over, and not before.
        at.pass(15);
        assert_eq!((claims(&at, "b").await, claims(&at, "c").await), (b, c));
        at.pass(6);
        let (b, c) = (claims(&at, "b").await, claims(&at, "c").await);
        assert_eq!(&b | &c, all);

        at.store.release_watches("b").await.expect("given back");
        assert_eq!(claims(&at, "c").await, all, "at once");
    }

    #[tokio::test]
    async fn nobody_can_have_lived_before_on_sqlite() {
        let at = testing::sqlite().await;
        let all = servers(&at, 3).await;
        assert_eq!(claims(&at, "killed").await, all);
        assert_eq!(
            claims(&at, "next").await,
            all,
            "it does not wait for the lease of the dead"
        );
    }

    #[tokio::test]
    async fn a_program_whose_clock_is_ahead_takes_nothing_from_the_others() {
        let Some(at) = testing::shared().await else { return };
        let by_database = at.store.clone().with_lease_clock(LeaseClock::Database);
        let all = servers(&at, 1).await;
        assert_eq!(
            by_database
                .claim_watches("a", LEASE_MS)
                .await
                .expect("claimed")
                .len(),
            all.len()
        );
        let mut ahead = by_database.clone();
        let clock = ManualClock::new(at.clock.now());
        clock.advance(Duration::from_hours(24 * 365 * 100));
        ahead.clock = Arc::new(clock);
        assert_eq!(ahead.claim_watches("b", LEASE_MS).await.expect("claimed"), []);
    }
}
