using Microsoft.Extensions.Options;

namespace ControlPlane.Grains.Tests;

/// <summary>Options that do not change.</summary>
internal sealed record Fixed<T>(T CurrentValue) : IOptionsMonitor<T>
{
    public T Get(string? name) => CurrentValue;

    public IDisposable? OnChange(Action<T, string?> listener) => null;
}
