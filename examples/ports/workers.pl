#!/usr/bin/env perl
# A master and three workers, each a session: "job N" is queued, done in N steps by a worker who is idle,
# and answered with the square of N. After "end" the workers go when the queue is empty, and with them the
# program. Its twin is workers.rs.

use warnings;
use strict;

use Socket;
use POE qw(Wheel::SocketFactory Wheel::ReadWrite);

my $port = shift // 12345;
$| = 1;

my %master = (
  _start           => \&start,
  _child           => \&child,
  got_client       => \&got_client,
  got_listen_error => \&got_listen_error,
  got_line         => \&got_line,
  got_flush        => \&got_flush,
  got_client_error => \&got_client_error,
  got_result       => \&got_result,
  got_signal       => sub { },  # not handled: it ends the program
);

my %worker = (
  _start => \&hire,
  _stop  => \&leave,
  work   => \&work,
  retire => \&retire,
);

my %heap = (clients => {}, idle => [], queue => [], jobs => 0, workers => 0, ending => 0);
POE::Session->create(inline_states => \%master, heap => \%heap);
POE::Kernel->run();
exit;

# The master.

sub start {
  my ($kernel, $heap) = @_[KERNEL, HEAP];
  $kernel->sig($_ => "got_signal") for qw(INT TERM);
  $kernel->alias_set("master");
  $heap->{listener} = POE::Wheel::SocketFactory->new(
    BindAddress  => "127.0.0.1",
    BindPort     => $port,
    Reuse        => 1,
    SuccessEvent => "got_client",
    FailureEvent => "got_listen_error",
  );
  my ($bound, $address) = sockaddr_in($heap->{listener}->getsockname());
  print "listening on ", inet_ntoa($address), ":$bound\n" if $bound;
  POE::Session->create(inline_states => \%worker, heap => { number => $_, done => 0 }) for 1 .. 3;
}

sub child {
  my ($heap, $fate, $worker, $answer) = @_[HEAP, ARG0 .. ARG2];
  print "$answer\n";
  if ($fate eq "create") {
    $heap->{workers}++;
    push @{$heap->{idle}}, $worker->ID;
  }
  elsif (--$heap->{workers} == 0) {
    $_->put("all done") for values %{$heap->{clients}};
    delete $heap->{listener};
  }
}

sub got_client {
  my ($heap, $socket) = @_[HEAP, ARG0];
  my $wheel = POE::Wheel::ReadWrite->new(
    Handle       => $socket,
    InputEvent   => "got_line",
    FlushedEvent => "got_flush",
    ErrorEvent   => "got_client_error",
  );
  $heap->{clients}{$wheel->ID} = $wheel;
}

sub got_listen_error {
  my ($kernel, $heap, $operation, $errstr) = @_[KERNEL, HEAP, ARG0, ARG2];
  warn "$operation: $errstr\n";
  $heap->{ending} = 1;
  hand_out($kernel, $heap);
}

sub got_line {
  my ($kernel, $heap, $line, $id) = @_[KERNEL, HEAP, ARG0, ARG1];
  if ($line =~ /^job ([0-9]{1,5})$/ and !$heap->{ending}) {
    push @{$heap->{queue}}, { number => ++$heap->{jobs}, n => $1, client => $id };
  }
  elsif ($line eq "end") {
    $heap->{ending} = 1;
  }
  else {
    $heap->{clients}{$id}->put("no");
  }
  hand_out($kernel, $heap);
}

sub got_flush {
  my ($heap, $id) = @_[HEAP, ARG0];
  delete $heap->{clients}{$id} if $heap->{workers} == 0;
}

sub got_client_error {
  my ($heap, $id) = @_[HEAP, ARG3];
  delete $heap->{clients}{$id};
}

sub got_result {
  my ($kernel, $heap, $worker, $job, $result) = @_[KERNEL, HEAP, SENDER, ARG0, ARG1];
  my $client = $heap->{clients}{$job->{client}};
  $client->put("job $job->{number} done: $result") if $client;
  push @{$heap->{idle}}, $worker->ID;
  hand_out($kernel, $heap);
}

sub hand_out {
  my ($kernel, $heap) = @_;
  while (@{$heap->{queue}} and @{$heap->{idle}}) {
    my $job = shift @{$heap->{queue}};
    $kernel->post(shift @{$heap->{idle}}, work => $job, $job->{n}, 0);
  }
  if ($heap->{ending} and @{$heap->{idle}} == $heap->{workers}) {
    $kernel->post($_, "retire") for splice @{$heap->{idle}};
  }
}

# A worker.

sub hire {
  my ($kernel, $session, $heap) = @_[KERNEL, SESSION, HEAP];
  $kernel->refcount_increment($session->ID, "hired");
  return "worker $heap->{number} is hired";
}

sub leave {
  my $heap = $_[HEAP];
  return "worker $heap->{number} leaves, jobs done: $heap->{done}";
}

sub work {
  my ($kernel, $heap, $job, $steps, $sum) = @_[KERNEL, HEAP, ARG0 .. ARG2];
  if ($steps > 0) {
    $kernel->yield(work => $job, $steps - 1, $sum + $job->{n});
  }
  else {
    $heap->{done}++;
    $kernel->post(master => got_result => $job, $sum);
  }
}

sub retire {
  my ($kernel, $session) = @_[KERNEL, SESSION];
  $kernel->refcount_decrement($session->ID, "hired");
}
