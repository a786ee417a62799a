#[path = "../tests/support/generate.rs"]
mod generate;
fn main() {
    let dense = generate::Ordinary {
        gets: std::env::args().nth(2).unwrap().parse().unwrap(),
        requests: std::env::args().nth(1).unwrap().parse().unwrap(),
        convertible: 10,
        seed: 2,
    };
    let set = generate::ordinary(dense);
    for _ in 0..3 {
        let (r, s) = kiln_rule_graph::solve_measured(&set.rules, &set.queries);
        eprintln!("{:?} {:?}", r.is_ok(), s);
    }
}
