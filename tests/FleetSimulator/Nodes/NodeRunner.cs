using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Agents;
using ControlPlane.FleetSimulator.Broker;
using ControlPlane.FleetSimulator.Faults;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>Runs one node: starts it, lets its agents answer, restarts it, and does what its fault demands.</summary>
internal sealed class NodeRunner(int index, NodeProfile profile, SimulatedNode view, FleetEnvironment fleet, NodeFiles found)
    : ILinkListener
{
    private static readonly TimeSpan CrashPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstRegistration = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstRegistrationSpread = TimeSpan.FromSeconds(3);
    private static readonly string[] ProvisioningCollectives = [ChoriaSubjects.ProvisioningCollective];

    private readonly Lock gate = new();
    private readonly Random random = new(HashOf(fleet.Options.Seed, index));
    private readonly NodeVoice voice = new(profile, fleet);
    private NodeFiles files = found;
    private NodeProcess? process;
    private BrokerSession? session;
    private LifecycleEvent? alive;
    private DateTimeOffset registersAt = DateTimeOffset.MaxValue;
    private int callsUntilCrash = CallsUntilCrash(profile, fleet.Options.Seed, index);

    public SimulatedNode View => view;

    public NodeProfile Profile => profile;

    /// <summary>Starts the process: decides what it becomes, connects, announces it. Returns when it is announced.</summary>
    public async Task StartAsync()
    {
        Task subscribed;
        lock (gate)
        {
            if (fleet.Stopping.IsCancellationRequested)
            {
                return;
            }

            view.Starts++;
            if (!TryBecome_NeedsGate(out var becoming))
            {
                return;
            }

            process = becoming;
            view.Stage = SimulatedNodeStage.Connecting;
            subscribed = Enter_NeedsGate(becoming);
        }

        await subscribed.WaitAsync(fleet.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!fleet.Stopping.IsCancellationRequested)
        {
            Announce();
        }
    }

    public void Receive(ReadOnlySpan<byte> payload)
    {
        lock (gate)
        {
            if (process is not { } running)
            {
                return;
            }

            voice.Traffic.Received++;
            voice.Traffic.ReceivedBytes += payload.Length;
            if (profile.Fault == SimulatedFault.Dead)
            {
                return;
            }

            if (fleet.Decoder.DecodeOrNull(payload) is not { } received)
            {
                voice.Traffic.Unvalidated++;
                return;
            }

            Serve_NeedsGate(received, new NodeView(profile, files, running, fleet.Now, random, fleet.Keys));
        }
    }

    /// <summary>Publishes the alive event, the same each time; nothing when the node does not run.</summary>
    public void SayAlive()
    {
        lock (gate)
        {
            if (alive is { } said && session is { } connected)
            {
                voice.Say(connected, said);
            }
        }
    }

    /// <summary>Publishes what the node is when it is time; nothing when it is not configured to, or does not run.</summary>
    public void RegisterIfDue()
    {
        lock (gate)
        {
            var now = fleet.Now;
            if (now < registersAt
                || session is not { } connected
                || process is not { } running
                || files.Configuration?.RegistrationInterval is not { } interval)
            {
                return;
            }

            registersAt = now + interval;
            voice.Register(connected, new NodeView(profile, files, running, now, random, fleet.Keys));
        }
    }

    /// <summary>A machine with a copy of this one's disk, which has not started yet.</summary>
    public NodeRunner CopyTo(int otherIndex, NodeProfile otherProfile, SimulatedNode otherView)
    {
        lock (gate)
        {
            otherView.Show(files);
            return new NodeRunner(otherIndex, otherProfile, otherView, fleet, files);
        }
    }

    /// <summary>Ends the process without a word, as a crash or a stop of the simulator does.</summary>
    public void End()
    {
        lock (gate)
        {
            End_NeedsGate();
        }
    }

    private static int HashOf(int seed, int index) => unchecked((seed * 486187739) + (index * 16777619) + 1);

    // Somewhere between the first action on the node and the last: jwt, gen25519 or gencsr, configure, restart.
    private static int CallsUntilCrash(NodeProfile profile, int seed, int index) =>
        profile.Fault == SimulatedFault.RestartsMidway ? 1 + new Random(HashOf(seed + 1, index)).Next(4) : -1;

    private bool TryBecome_NeedsGate(out NodeProcess becoming)
    {
        var now = fleet.Now;
        becoming = new NodeProcess { IsProvisioning = true, Collectives = ProvisioningCollectives, StartedAt = now };
        switch (StartDecision.Take(profile, files, now))
        {
            case StartDecision.Provision provision:
                files = provision.Files;
                return true;
            case StartDecision.Serve when profile.Fault == SimulatedFault.Stranded:
                view.Fail("no broker of its overlay lets it in");
                return false;
            case StartDecision.Serve:
                becoming = becoming with { IsProvisioning = false, Collectives = files.Configuration!.Collectives };
                return true;
            case StartDecision.Exit exit:
                view.Fail(exit.Reason);
                return false;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private Task Enter_NeedsGate(NodeProcess becoming)
    {
        var hosts = becoming.IsProvisioning ? profile.Token.Urls : files.Configuration!.MiddlewareHosts;
        var network = becoming.IsProvisioning ? ChoriaSubjects.ProvisioningCollective : hosts;
        (session, var subscribed) = fleet.Sessions.Enter(index, network, Make, profile.Identity, becoming.Collectives, this);
        view.Session = session;
        return subscribed;

        BrokerSession Make() => new(
            BrokerAddress.ReadList(hosts), NodeCredentials.For(profile, files, becoming), fleet.Limits, new Random(random.Next()));
    }

    private void Announce()
    {
        lock (gate)
        {
            if (process is not { } running || session is not { } connected)
            {
                return;
            }

            var now = fleet.Now;
            voice.Traffic.Broker = connected.Broker;
            var startup = NodeEvents.Make(LifecycleKind.Startup, profile, running, now, random);
            alive = profile.Fault == SimulatedFault.Dead
                ? null
                : NodeEvents.Make(LifecycleKind.Alive, profile, running, running.StartedAt, random);
            if (profile.Fault != (running.IsProvisioning ? SimulatedFault.UnheardStart : SimulatedFault.UnheardArrival))
            {
                voice.Say(connected, startup);
            }

            if (running.IsProvisioning)
            {
                view.AnnouncedAt ??= now;
                view.Stage = SimulatedNodeStage.Provisioning;
            }
            else
            {
                view.ArrivedAt = now;
                view.Stage = SimulatedNodeStage.Arrived;
                registersAt = FirstRegistration_NeedsGate(now);
            }
        }
    }

    // Choria waits for a random part of the interval, or for one to four seconds.
    private DateTimeOffset FirstRegistration_NeedsGate(DateTimeOffset now) => files.Configuration switch
    {
        { RegistrationInterval: { } interval, SplaysRegistration: true } => now + (interval * random.NextDouble()),
        { RegistrationInterval: not null } => now + FirstRegistration + (FirstRegistrationSpread * random.NextDouble()),
        _ => DateTimeOffset.MaxValue,
    };

    private void Serve_NeedsGate(ReceivedRequest received, NodeView node)
    {
        var verdict = RequestGate.Judge(received, node, fleet.Trust);
        if (verdict != GateVerdict.Serve)
        {
            voice.Traffic.CountDropped(verdict);
            return;
        }

        voice.Traffic.Passed++;
        if (received.Request.Agent == NodeAgents.Discovery)
        {
            if (Discovery.IsPing(received.Request.Body.Span))
            {
                Reply_NeedsGate(received, Discovery.Pong);
            }

            return;
        }

        if (AgentCallReader.Read(received.Request, out var call) is { } unreadable)
        {
            Reply_NeedsGate(received, unreadable.ToBody(""));
            return;
        }

        using (call.Body)
        {
            if (NodeAgents.Answer(call.Call, node, voice.Traffic, fleet.Options.SlowDelay) is { } reaction)
            {
                React_NeedsGate(received, call.Call, reaction);
            }
        }
    }

    private void React_NeedsGate(ReceivedRequest received, AgentCall call, Reaction reaction)
    {
        view.CountCall(call.Action);
        if (reaction.IsExecution)
        {
            view.CountExecution(call.RequestId);
        }

        var wasProvisioning = process!;
        process = reaction.Process ?? process;
        if (reaction.Files is { } changed)
        {
            files = changed;
            view.Show(files);
        }

        if (reaction.Event is { } kind)
        {
            var said = NodeEvents.Make(kind, profile, wasProvisioning, fleet.Now, random);
            voice.Say(session!, said);
        }

        var crashes = call.Agent == Agents.ProvisionAgent.Name && callsUntilCrash > 0 && --callsUntilCrash == 0;
        if (reaction.Reply is { } reply && !(crashes && random.Next(2) == 0))
        {
            var body = reply.ToBody(call.Action);
            if (reaction.Delay > TimeSpan.Zero)
            {
                _ = ReplyLaterAsync(received, body, reaction);
            }
            else
            {
                Reply_NeedsGate(received, body, reaction.Times);
            }
        }

        if (reaction.Departure is { } departure)
        {
            view.Stage = departure.StartsAgain ? SimulatedNodeStage.Restarting : view.Stage;
            _ = DepartAsync(departure);
        }
        else if (crashes)
        {
            view.Stage = SimulatedNodeStage.Restarting;
            End_NeedsGate();
            _ = DepartAsync(new Departure(true, profile.RestartDelay ?? CrashPause));
        }
    }

    private async Task ReplyLaterAsync(ReceivedRequest received, ReadOnlyMemory<byte> body, Reaction reaction)
    {
        if (await fleet.DelayAsync(reaction.Delay))
        {
            lock (gate)
            {
                Reply_NeedsGate(received, body, reaction.Times);
            }
        }
    }

    private void Reply_NeedsGate(ReceivedRequest received, ReadOnlyMemory<byte> body, int times = 1)
    {
        for (; times > 0 && session is { } connected && process is { } running; times--)
        {
            voice.Reply(connected, received, body, new NodeView(profile, files, running, fleet.Now, random, fleet.Keys));
        }
    }

    private async Task DepartAsync(Departure departure)
    {
        if (!await fleet.DelayAsync(departure.Delay))
        {
            return;
        }

        End();
        if (departure.StartsAgain)
        {
            await StartAsync();
        }
        else
        {
            view.Stage = SimulatedNodeStage.Stopped;
        }
    }

    private void End_NeedsGate()
    {
        process = null;
        alive = null;
        registersAt = DateTimeOffset.MaxValue;
        if (session is { } left)
        {
            fleet.Sessions.Leave(left, this);
            session = null;
        }
    }
}
