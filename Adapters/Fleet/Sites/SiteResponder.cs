using ControlPlane.Sites;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Sites;

/// <summary>Answers what other sites ask on one subject; the silos of a site share the questions.</summary>
internal sealed partial class SiteResponder(
    INatsConnection connection, string subject, ISiteChannel channel, SiteSeals seals, ILogger logger)
{
    /// <summary>Questions answered at once; the rest wait in the subscription, and those who asked for their own patience only.</summary>
    public const int AnswersMax = 256;

    private const string Group = "site";

    /// <summary>Answers until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Parallel.ForEachAsync(
        connection.SubscribeAsync<byte[]>(subject, Group, cancellationToken: cancellationToken),
        new ParallelOptions { MaxDegreeOfParallelism = AnswersMax, CancellationToken = cancellationToken },
        AnswerAsync);

    private async ValueTask AnswerAsync(NatsMsg<byte[]> message, CancellationToken cancellationToken)
    {
        try
        {
            if (message.Data is not { Length: > 0 and <= ISiteLink.MessageBytesMax } question)
            {
                LogUnreadable(subject);
                return;
            }

            var asker = await seals.OpenQuestionAsync(SiteHeaders.Read(message.Headers), channel.Name, question, cancellationToken);
            var answer = await channel.AnswerAsync(asker?.From, question, cancellationToken);
            var seal = seals.SealAnswer(asker, channel.Name, question, answer);
            await message.ReplyAsync(answer, SiteHeaders.Of(seal), cancellationToken: cancellationToken);
        }
#pragma warning disable CA1031 // Whatever it was, who asked hears nothing and takes this site for lost: that is the contract.
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
