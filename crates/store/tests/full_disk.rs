//! A disk that is full refuses what cannot be stored, and is forgotten when there is room again.

use imagefleet_model::PageRequest;
use imagefleet_store::testing::{TestStore, sqlite};
use imagefleet_store::{AuditEntry, AuditFilter};

/// Lets the database grow to so many pages at most, whichever connection writes.
async fn limit(test: &TestStore, pages: u32) {
    let pool = test.store.connection().get_sqlite_connection_pool();
    let mut all = Vec::new();
    while all.len() < usize::try_from(pool.options().get_max_connections()).expect("few") {
        let mut connection = pool.acquire().await.expect("a connection");
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}")))
            .execute(&mut *connection)
            .await
            .expect("limited");
        all.push(connection);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_is_forgotten_when_there_is_room() {
    let test = sqlite().await;
    let entry = AuditEntry {
        detail: "x".repeat(20_000),
        ..AuditEntry::default()
    };
    let stored = async || {
        let all = AuditFilter::default();
        let page = PageRequest { page: 1, size: 1 };
        test.store.audit(&all, page).await.expect("readable").total
    };
    for _ in 0..20 {
        // The least that is possible is what it has; new connections do not know that yet.
        limit(&test, 1).await;
        let refused = test.store.add_audit(std::slice::from_ref(&entry)).await;
        assert!(refused.is_err(), "there is no room");
        assert_eq!(stored().await, 0, "nothing of it is seen");
    }
    limit(&test, 1_000_000).await;
    let taken = async || test.store.create_role("admin", &[]).await;
    for n in 1..=20 {
        // Something that is refused in the middle of a transaction leaves nothing open either.
        assert!(taken().await.is_err(), "there is such a role");
        let stores = test.store.add_audit(std::slice::from_ref(&entry)).await;
        stores.expect("there is room again");
        assert_eq!(stored().await, n);
    }
}
