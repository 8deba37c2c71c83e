use std::net::Ipv4Addr;

use super::*;

const ALICE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const BOB: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

fn connections(all: usize, port: usize, caller: usize) -> Arc<Connections> {
    let family = Family::new("fraud", "1.3.0");
    Arc::new(Connections::new(Limits { all, port, caller }, &family, "inference"))
}

fn admit<const N: usize>(connections: &Arc<Connections>, caller: IpAddr) -> [Ticket; N] {
    [(); N].map(|()| connections.admit("main", caller).ok().unwrap())
}

/// Whether the connection was told to end.
fn has_ended(ticket: &Ticket) -> bool {
    use futures::FutureExt;
    ticket.ended().now_or_never().is_some()
}

#[test]
fn a_caller_at_its_limit_replaces_its_own_connections_and_not_those_of_others() {
    let connections = connections(8, 8, 2);
    let [bobs] = admit(&connections, BOB);
    let [first, second] = admit(&connections, ALICE);
    let _third = connections.admit("direct", ALICE).ok().unwrap();
    assert_eq!([&bobs, &first, &second].map(has_ended), [false, true, false]);
    assert_eq!(connections.replaced.get(), 1);
}

#[test]
fn the_connection_that_has_rested_longest_gives_way() {
    let connections = connections(2, 2, 2);
    let [first, second] = admit(&connections, ALICE);
    connections.advance();
    first.begin();
    first.end();
    let _third = connections.admit("main", BOB).ok().unwrap();
    assert_eq!([&first, &second].map(has_ended), [false, true]);
}

#[test]
fn a_busy_connection_never_gives_way() {
    let connections = connections(2, 2, 2);
    let busy: [Ticket; 2] = admit(&connections, ALICE);
    busy.iter().for_each(Ticket::begin);
    assert!(connections.admit("main", BOB).is_err());
    assert_eq!((connections.refused.get(), connections.replaced.get()), (1, 0));
    drop(busy);
    assert!(connections.admit("main", BOB).is_ok(), "the places are free again");
}

#[test]
fn one_port_cannot_take_the_places_of_all() {
    let connections = connections(3, 2, 3);
    let busy: [Ticket; 2] = admit(&connections, ALICE);
    busy.iter().for_each(Ticket::begin);
    assert!(connections.admit("main", BOB).is_err());
    assert!(connections.admit("direct", BOB).is_ok());
}

#[test]
fn a_header_must_arrive_within_seconds_and_an_idle_connection_may_rest_for_minutes() {
    let connections = connections(8, 8, 8);
    let [idle, header, busy] = admit(&connections, ALICE);
    header.received(b"GET");
    busy.received(b"GET");
    busy.begin();
    let ended = || [&idle, &header, &busy].map(has_ended);
    (1..HEADER).for_each(|_| connections.advance());
    assert_eq!(ended(), [false, false, false]);
    connections.advance();
    assert_eq!(ended(), [false, true, false]);
    (HEADER..IDLE).for_each(|_| connections.advance());
    assert_eq!(ended(), [true, true, false], "a header that is still not complete ends in each tick");
    assert!(connections.slow_header.get() > 0 && connections.idle.get() == 1);
}

#[test]
fn an_ipv4_caller_is_the_same_on_a_socket_for_both_protocols() {
    let connections = connections(8, 8, 1);
    let [first] = admit(&connections, ALICE);
    let IpAddr::V4(alice) = ALICE else { unreachable!() };
    let _second = connections.admit("main", IpAddr::V6(alice.to_ipv6_mapped())).ok().unwrap();
    assert!(has_ended(&first));
}

#[test]
fn a_connection_whose_body_does_not_arrive_gives_way() {
    let connections = connections(2, 2, 2);
    let [promises, sends] = admit(&connections, ALICE);
    for ticket in [&promises, &sends] {
        ticket.begin();
        ticket.awaits_body();
    }
    connections.advance();
    sends.received(b"{");
    let _third = connections.admit("main", BOB).ok().unwrap();
    assert_eq!([&promises, &sends].map(has_ended), [true, false]);
}

#[test]
fn a_connection_with_a_complete_request_and_an_incomplete_one_is_busy() {
    let connections = connections(1, 1, 1);
    let [ticket] = admit(&connections, ALICE);
    ticket.speaks_http2();
    for _ in 0..2 {
        ticket.begin();
        ticket.awaits_body();
    }
    ticket.has_body();
    assert!(connections.admit("main", BOB).is_err());
    ticket.end();
    assert!(connections.admit("main", BOB).is_ok(), "only the incomplete one is left");
}

#[test]
fn connections_take_at_most_a_quarter_of_the_memory() {
    assert_eq!(fitting(None), 4096);
    assert_eq!(fitting(Some(64 << 30)), 4096);
    assert_eq!(fitting(Some(512 << 20)), 1365);
    assert_eq!(fitting(Some(1)), 256);
}

#[test]
fn a_response_of_which_the_caller_reads_nothing_is_given_up() {
    let connections = connections(2, 2, 2);
    let [silent, slow] = admit(&connections, ALICE);
    for ticket in [&silent, &slow] {
        ticket.begin();
        ticket.end();
        ticket.is_unread();
    }
    for _ in 0..UNREAD - 1 {
        connections.advance();
    }
    slow.was_read(false);
    connections.advance();
    assert_eq!([&silent, &slow].map(has_ended), [true, false]);
    assert_eq!(connections.unread.get(), 1);
    slow.was_read(true);
    for _ in 0..UNREAD {
        connections.advance();
    }
    assert!(!has_ended(&slow), "it is idle");
}
