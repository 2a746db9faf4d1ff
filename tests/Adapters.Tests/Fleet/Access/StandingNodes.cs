using System.Reflection;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Tests.Fleet.Access;

/// <summary>Stands in for the nodes' grains, which are asked for the standing of keys and nothing else.</summary>
public class StandingNodes : DispatchProxy
{
    private Func<object?[], object> answer = _ => throw new InvalidOperationException("it is made by Of");

    public static IGrainFactory Of(Func<string, string, Task<KeyStatus>> standing) => Stand<IGrainFactory>(
        node => Stand<IInternalNodeGrain>(asked => standing((string)node[0]!, (string)asked[0]!)));

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => answer(args!);

    private static T Stand<T>(Func<object?[], object> answer)
        where T : class
    {
        var stand = Create<T, StandingNodes>();
        ((StandingNodes)(object)stand).answer = answer;
        return stand;
    }
}
