using System.Diagnostics.Metrics;
using ControlPlane.Access;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace ControlPlane.TestKit.Access;

/// <summary>One silo's record of calls, on a log that the test gives it. Nothing is done every so often: the test says when.</summary>
public sealed class AuditSilo : IDisposable, IBreakGlass
{
    /// <summary>A rule's decision that lets calls be made.</summary>
    public static readonly AccessDecision Allowed = new(IsAllowed: true, "rule 1", "v1");

    /// <summary>A rule's decision that does not.</summary>
    public static readonly AccessDecision Denied = new(IsAllowed: false, "rule 2", "v1");

    private readonly ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly AuditMeter meter;
    private readonly AuditAppender appender;
    private readonly AuditCheckpoints checkpoints;
    private readonly AuditTrail trail;

    public AuditSilo(
        ILog log,
        string chain = "silo1:11111",
        IAuditJournal? journal = null,
        ISiteSigner? signer = null,
        TimeProvider? time = null,
        int perAddress = 10,
        int altogether = 100)
    {
        time ??= TimeProvider.System;
        var site = new AuditSite("overlay-1", chain);
        var ownChain = new AuditChain(log, journal ?? new NoAuditJournal(), site, NullLogger<AuditChain>.Instance);
        meter = new AuditMeter(services.GetRequiredService<IMeterFactory>());
        appender = new AuditAppender(log, ownChain, this, meter, NullLogger<AuditAppender>.Instance);
        checkpoints = new AuditCheckpoints(
            log, ownChain, signer ?? new NoSiteSigner(), site, time, NullLogger<AuditCheckpoints>.Instance);
        trail = new AuditTrail(appender, new FloodLimit(perAddress, altogether, time), meter, time, NullLoggerFactory.Instance);
    }

    /// <summary>Its break-glass switch.</summary>
    public bool IsOn { get; set; }

    public IAuditTrail Trail => trail;

    /// <summary>Why nothing can be recorded; null while it can.</summary>
    public string? Fault => appender.Fault;

    public int Backlog => appender.Backlog;

    /// <summary>A call's beginning; the node tells calls apart.</summary>
    public Task<AuditedCall> BeginAsync(string node, AccessDecision? decision = null, string address = "192.0.2.1") => trail.BeginAsync(
        new Caller { Principal = "alice", Method = CallerMethod.AccessToken, Address = address },
        new AccessRequest(Permissions.NodesReprovision) { Node = node, Operation = "ReprovisionNode", Reason = "new disk" },
        decision ?? Allowed,
        CancellationToken.None);

    /// <summary>A call from beginning to end.</summary>
    public async Task CallAsync(string node) => await trail.EndAsync(await BeginAsync(node), "202");

    public Task CatchUpAsync() => appender.CatchUpAsync(CancellationToken.None);

    public Task CheckpointAsync() => checkpoints.WriteAsync(CancellationToken.None);

    public void RecordOmitted() => trail.RecordOmitted();

    /// <summary>Waits until everything that was recorded so far is in the log.</summary>
    public async Task SettleAsync()
    {
        while (appender.Backlog > 0)
        {
            await CatchUpAsync();
            await Task.Yield();
        }
    }

    public void Dispose()
    {
        meter.Dispose();
        services.Dispose();
    }
}
