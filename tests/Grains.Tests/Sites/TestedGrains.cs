using System.Collections.Concurrent;
using System.Reflection;
using ControlPlane.Placement;
using ControlPlane.Sites;
using Microsoft.Extensions.Options;

namespace ControlPlane.Grains.Tests.Sites;

/// <summary>Stands in for a site's grains: keeps what they are asked, and answers as a test says.</summary>
public class TestedGrains : DispatchProxy
{
    private Func<MethodInfo, object?[], object?> answer = (_, _) => throw new InvalidOperationException("it is made by Make");

    /// <param name="asked">What grains were asked: interface and method, key and arguments.</param>
    /// <param name="answers">What a method returns.</param>
    public static IGrainFactory Make(ConcurrentQueue<string> asked, IReadOnlyDictionary<string, object> answers) => Make(
        (method, key, arguments) =>
        {
            asked.Enqueue($"{method} of {key}: {string.Join(", ", arguments.Where(one => one is not CancellationToken))}");
            return answers[method];
        });

    /// <param name="answer">What a method of a grain returns, by the names of both and what it is called with.</param>
    public static IGrainFactory Make(Func<string, string, object?[], object?> answer) => Stand<IGrainFactory>(
        (get, key) => Stand(get.ReturnType, (method, arguments) => answer(method.Name, $"{key[0]}", arguments)));

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => answer(targetMethod!, args!);

    private static T Stand<T>(Func<MethodInfo, object?[], object?> answer)
        where T : class => (T)Stand(typeof(T), answer);

    private static object Stand(Type grain, Func<MethodInfo, object?[], object?> answer)
    {
        var stand = Create(grain, typeof(TestedGrains));
        ((TestedGrains)stand).answer = answer;
        return stand;
    }
}

/// <summary>A region of two sites, each with one overlay.</summary>
internal sealed class TwoSites(string here) : IOptionsMonitor<OverlaysOptions>
{
    public OverlaysOptions CurrentValue { get; } = new()
    {
        Region = "eu", Local = here, Members = { ["eu-1"] = new OverlayOptions(), ["eu-2"] = new OverlayOptions() },
    };

    public OverlaysOptions Get(string? name) => CurrentValue;

    public IDisposable? OnChange(Action<OverlaysOptions, string?> listener) => null;
}

/// <summary>A link on which a channel answers at once, as if it were another site's; what fails there is silence here.</summary>
internal sealed class Loopback : ISiteLink
{
    private readonly Dictionary<(string Site, string Channel), ISiteChannel> channels = [];

    public void Connect(string site, ISiteChannel channel) => channels[(site, channel.Name)] = channel;

    public async Task<byte[]> AskAsync(
        string site, string channel, byte[] question, TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            return await channels[(site, channel)].AnswerAsync(asker: null, question, cancellationToken).WaitAsync(cancellationToken);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            throw new SiteUnreachableException($"{site} does not answer", fault);
        }
    }
}
