using System.Collections.Frozen;
using System.Reflection;
using ControlPlane.Jobs;

namespace ControlPlane.Adapters.Fleet.Ddl;

/// <summary>The DDLs of Choria's own agents, which are on every node: what we bring along.</summary>
internal static class BuiltInDdls
{
    private const string Prefix = "ddl/";

    public static FrozenDictionary<string, AgentDdl> Read()
    {
        var assembly = typeof(BuiltInDdls).Assembly;
        return assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => Read(assembly, name)).ToFrozenDictionary(ddl => ddl.Name, StringComparer.Ordinal);
    }

    private static AgentDdl Read(Assembly assembly, string name)
    {
        using var resource = assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        var read = DdlReader.Read(bytes);
        return read.Ddl ?? throw new InvalidOperationException($"{name} {string.Join("; ", read.Faults)}");
    }
}
