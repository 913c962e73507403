requestAnimationFrame(() => performance.mark('interactive'));
