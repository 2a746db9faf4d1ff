using ControlPlane.Adapters.Choria;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.TestKit;

/// <summary>The streams that a Choria broker makes for itself, some time after its start.</summary>
internal static class ChoriaBrokerStreams
{
    private static readonly IReadOnlyList<StreamConfig> All =
    [
        new("CHORIA_EVENTS", [ChoriaSubjects.AllLifecycle]) { MaxAge = TimeSpan.FromDays(1) },
        new("CHORIA_MACHINE", [ChoriaSubjects.AllMachineEvents]) { MaxAge = TimeSpan.FromDays(1) },
        new("CHORIA_STREAM_ADVISORIES", ["$JS.EVENT.ADVISORY.>"]) { MaxAge = TimeSpan.FromDays(7) },
        new("CHORIA_EXECUTOR", ["choria.submission.in.choria.executor.>"])
        {
            MaxAge = TimeSpan.FromDays(1),
            AllowDirect = true,
            SubjectTransform = new SubjectTransform
            {
                Src = "choria.submission.in.choria.executor.>", Dest = "choria.executor.>",
            },
        },
        new("KV_CHORIA_LEADER_ELECTION", ["$KV.CHORIA_LEADER_ELECTION.>"])
        {
            MaxAge = TimeSpan.FromMinutes(1),
            MaxMsgsPerSubject = 1,
            Discard = StreamConfigDiscard.New,
            DenyDelete = true,
            AllowRollupHdrs = true,
            AllowDirect = true,
            DuplicateWindow = TimeSpan.FromMinutes(1),
        },
    ];

    public static async Task MakeAsync(Func<NatsConnection> connect, TimeSpan delay, CancellationToken cancellationToken)
    {
        await Task.Delay(delay, TimeProvider.System, cancellationToken);
        await using var connection = connect();
        var streams = new NatsJSContext(connection);
        foreach (var stream in All)
        {
            await streams.CreateOrUpdateStreamAsync(stream, cancellationToken);
        }
    }
}
