using System.Reflection;

namespace ControlPlane.Tidy.Tests;

/// <summary>House style 1.2: grain classes are internal and sealed, so that adapters see ports and records and nothing more.</summary>
internal static class GrainClassCheck
{
    public static IEnumerable<string> Faults(Assembly assembly) =>
        from type in assembly.GetTypes()
        where type is { IsAbstract: false, IsClass: true } && typeof(Orleans.IGrainBase).IsAssignableFrom(type)
        where !type.IsSealed || type.IsVisible
        select $"{type.FullName} is a grain and must be internal and sealed";
}
