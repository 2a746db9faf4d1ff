using ControlPlane.Placement;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Placement;

/// <summary>Answers what other overlays ask on one subject; the silos of an overlay share the questions.</summary>
internal sealed partial class PlacementResponder(
    INatsConnection connection, string subject, Func<LinkRequest, Task<LinkReply>> answer, ILogger logger)
{
    /// <summary>Questions answered at once; the rest wait in the subscription, and those who asked for their own patience only.</summary>
    public const int AnswersMax = 256;

    private const string Group = "placement";

    /// <summary>Answers until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Parallel.ForEachAsync(
        connection.SubscribeAsync<byte[]>(subject, Group, cancellationToken: cancellationToken),
        new ParallelOptions { MaxDegreeOfParallelism = AnswersMax, CancellationToken = cancellationToken },
        AnswerAsync);

    private async ValueTask AnswerAsync(NatsMsg<byte[]> message, CancellationToken cancellationToken)
    {
        try
        {
            if (LinkJson.ReadOrNull<LinkRequest>(message.Data) is not { } request)
            {
                LogUnreadable(subject);
                return;
            }

            await message.ReplyAsync(LinkJson.Write(await answer(request)), cancellationToken: cancellationToken);
        }
#pragma warning disable CA1031 // Whatever it was, who asked hears nothing and takes the leader for lost: that is the contract.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            LogUnanswered(subject, fault.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "A question on {Subject} cannot be read")]
    private partial void LogUnreadable(string subject);

    [LoggerMessage(LogLevel.Warning, "A question on {Subject} was not answered: {Reason}")]
    private partial void LogUnanswered(string subject, string reason);
}
