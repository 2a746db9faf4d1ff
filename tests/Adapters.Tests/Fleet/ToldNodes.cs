using System.Collections.Concurrent;
using System.Reflection;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Stands in for the slices of the fleet, and keeps what they are told of contested answers. They do nothing.</summary>
public class ToldNodes : DispatchProxy
{
    private Func<MethodInfo, object?[], object> answer = (_, _) => throw new InvalidOperationException("it is made by Into");

    /// <summary>A factory whose grains tell the queue.</summary>
    public static IGrainFactory Into(ConcurrentQueue<(string Identity, ContestedAnswer Contested)> told) => Stand<IGrainFactory>(
        (_, _) => Stand<INodeSliceGrain>((method, arguments) =>
        {
            Assert.Equal(nameof(INodeSliceGrain.RecordContest), method.Name);
            told.Enqueue(((string)arguments[0]!, (ContestedAnswer)arguments[1]!));
            return Task.CompletedTask;
        }));

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => answer(targetMethod!, args!);

    private static T Stand<T>(Func<MethodInfo, object?[], object> answer)
        where T : class
    {
        var stand = Create<T, ToldNodes>();
        ((ToldNodes)(object)stand).answer = answer;
        return stand;
    }
}
