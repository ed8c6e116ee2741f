#!/usr/bin/env perl
# A monitor of heartbeats: "watch NAME MS" expects one every so often, "beat NAME" is one, "beat NAME MS"
# puts the next one off, "forget NAME" and "list" are what they say. Who is late is told to who watches,
# three times. Its twin is monitor.rs.

use warnings;
use strict;

use Socket;
use POE qw(Wheel::SocketFactory Wheel::ReadWrite);

my $port = shift // 12345;
$| = 1;

POE::Session->create(
  inline_states => {
    _start           => \&start,
    got_client       => \&got_client,
    got_listen_error => \&got_listen_error,
    got_line         => \&got_line,
    late             => \&late,
    got_client_error => \&got_client_error,
    got_signal       => sub { },  # not handled: it ends the program
  },
  heap => { clients => {}, hearts => {} },
);

POE::Kernel->run();
exit;

sub start {
  my ($kernel, $heap) = @_[KERNEL, HEAP];
  $kernel->sig($_ => "got_signal") for qw(INT TERM);
  $heap->{listener} = POE::Wheel::SocketFactory->new(
    BindAddress  => "127.0.0.1",
    BindPort     => $port,
    Reuse        => 1,
    SuccessEvent => "got_client",
    FailureEvent => "got_listen_error",
  );
  my ($bound, $address) = sockaddr_in($heap->{listener}->getsockname());
  print "listening on ", inet_ntoa($address), ":$bound\n" if $bound;
}

sub got_client {
  my ($heap, $socket) = @_[HEAP, ARG0];
  my $wheel = POE::Wheel::ReadWrite->new(
    Handle     => $socket,
    InputEvent => "got_line",
    ErrorEvent => "got_client_error",
  );
  $heap->{clients}{$wheel->ID} = $wheel;
}

sub got_listen_error {
  my ($heap, $operation, $errstr) = @_[HEAP, ARG0, ARG2];
  warn "$operation: $errstr\n";
  delete $heap->{listener};
}

sub got_line {
  my ($kernel, $heap, $line, $id) = @_[KERNEL, HEAP, ARG0, ARG1];
  my ($verb, $name, $ms) = (split(/ /, $line, 3), ("") x 3);
  my $wait = $ms =~ /^[0-9]{1,6}$/ ? $ms / 1000 : undef;
  my $heart = $heap->{hearts}{$name};
  my $answer = "ok";
  if ($verb eq "watch" and defined $wait and !$heart) {
    my $timer = $kernel->delay_set(late => $wait, $name);
    $heap->{hearts}{$name} = { timer => $timer, period => $wait, missed => 0, client => $id };
  }
  elsif ($verb eq "beat" and $heart) {
    $answer = "welcome back" if $heart->{missed};
    $heart->{missed} = 0;
    $kernel->delay_adjust($heart->{timer}, $wait // $heart->{period});
  }
  elsif ($verb eq "forget" and $heart) {
    $kernel->alarm_remove($heart->{timer});
    delete $heap->{hearts}{$name};
  }
  elsif ($verb eq "list") {
    my $hearts = $heap->{hearts};
    $answer = join ", ", map { "$_ missed $hearts->{$_}{missed}" } sort keys %$hearts;
    $answer ||= "nobody";
  }
  else {
    $answer = "no";
  }
  $heap->{clients}{$id}->put($answer);
}

sub late {
  my ($kernel, $heap, $name) = @_[KERNEL, HEAP, ARG0];
  my $heart = $heap->{hearts}{$name};
  my $client = $heap->{clients}{$heart->{client}};
  my $missed = ++$heart->{missed};
  $client->put("$name is late ($missed)");
  if ($missed < 3) {
    $heart->{timer} = $kernel->delay_set(late => $heart->{period} / 1000, $name);
  }
  else {
    $client->put("$name is lost");
    delete $heap->{hearts}{$name};
  }
}

sub got_client_error {
  my ($kernel, $heap, $id) = @_[KERNEL, HEAP, ARG3];
  delete $heap->{clients}{$id};
  for my $name (grep { $heap->{hearts}{$_}{client} == $id } keys %{$heap->{hearts}}) {
    $kernel->alarm_remove(delete($heap->{hearts}{$name})->{timer});
  }
}
