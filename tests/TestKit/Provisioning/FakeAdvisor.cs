using System.Collections.Concurrent;
using ControlPlane.Nodes;

namespace ControlPlane.TestKit.Provisioning;

/// <summary>A helper that answers what a test says, for each node. A fake: no program.</summary>
public sealed class FakeAdvisor : INodeAdvisor
{
    /// <summary>What it answers a node; leaving all to us by default.</summary>
    public ConcurrentDictionary<string, Func<HelperQuestion, HelperAnswer>> Answers { get; } = new(StringComparer.Ordinal);

    /// <summary>What it was asked, in order.</summary>
    public ConcurrentQueue<HelperQuestion> Questions { get; } = new();

    public TimeSpan DeferFor => TimeSpan.FromMilliseconds(200);

    public Task<HelperAnswer> AskAsync(HelperQuestion question, CancellationToken cancellationToken)
    {
        Questions.Enqueue(question);
        return Task.FromResult(Answers.TryGetValue(question.Identity, out var answer) ? answer(question) : new HelperAnswer());
    }
}
