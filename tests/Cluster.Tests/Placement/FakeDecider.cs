using System.Collections.Concurrent;
using ControlPlane.Placement;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>Says what a test wants of each node. A fake: no program, no web hook.</summary>
internal sealed class FakeDecider : IExternalDecider
{
    private readonly ConcurrentDictionary<string, Func<ExternalQuestion, CancellationToken, Task<ExternalAnswer>>> answers =
        new(StringComparer.Ordinal);

    public ConcurrentQueue<ExternalQuestion> Asked { get; } = new();

    public void Says(string identity, ExternalAnswer answer) => answers[identity] = (_, _) => Task.FromResult(answer);

    public void Does(string identity, Func<ExternalQuestion, CancellationToken, Task<ExternalAnswer>> answer) => answers[identity] = answer;

    public async Task<ExternalAnswer> AskAsync(ExternalQuestion question, TimeSpan deadline, CancellationToken cancellationToken)
    {
        Asked.Enqueue(question);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(deadline);
        return answers.TryGetValue(question.Identity, out var answer)
            ? await answer(question, patience.Token)
            : new ExternalAnswer.Abstain();
    }
}
